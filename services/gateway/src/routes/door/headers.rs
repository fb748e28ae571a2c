//! Headers that every reply carries, and one line in the log for every call.

use crate::meter;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use std::time::Instant;

/// Replies of the API are data: nothing in them may run, load or be framed.
const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");

/// The documentation's own scripts and styles; nothing from elsewhere.
const DOCS: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

/// Middleware of the whole app, outermost.
pub(crate) async fn secure<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let start = Instant::now();
    let method = req.method().clone();
    let is_docs = req.path().starts_with("/docs");
    let mut response = next.call(req).await?;
    // The pattern, not the path: ids and external names stay out of the log.
    let pattern = response.request().match_pattern().unwrap_or_default();
    let headers = response.headers_mut();
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, if is_docs { DOCS } else { NOTHING });
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let time = start.elapsed();
    meter::called(method.as_str(), &pattern, response.status().as_u16(), time);
    let milliseconds = time.as_secs_f64() * 1000.0;
    tracing::info!(%method, pattern, status = response.status().as_u16(), milliseconds, "call");
    Ok(response)
}
