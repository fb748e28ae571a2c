//! The one error body (RFC 9457), and the one place where causes are logged.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use fuente_contract::{Error, ErrorCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Media type of the body.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What every refused or failed call answers with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Names the kind of problem: `urn:fuente:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same short text for every problem of the code.
    pub title: String,
    /// The HTTP status, repeated.
    pub status: u16,
    /// Stable and meant for programs.
    pub code: ErrorCode,
    /// What went wrong this time, for people.
    pub detail: String,
    /// Seconds after which a retry is worth it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after: Option<u32>,
}

impl From<&Error> for ProblemBody {
    fn from(error: &Error) -> Self {
        let code =
            serde_json::to_value(error.code).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        Self {
            kind: format!("urn:fuente:problem:{code}"),
            title: error.code.title().to_owned(),
            status: error.code.status(),
            code: error.code,
            detail: error.detail.clone(),
            retry_after: error.retry_after,
        }
    }
}

impl From<ProblemBody> for Error {
    fn from(body: ProblemBody) -> Self {
        Self { retry_after: body.retry_after, ..Self::new(body.code, body.detail) }
    }
}

/// A contract error on its way out of a handler.
#[derive(Debug)]
pub struct Problem(pub Error);

/// Result of a handler.
pub type Reply<T = HttpResponse> = Result<T, Problem>;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        log(&self.0);
        let mut reply = HttpResponse::build(self.status_code());
        reply.insert_header((CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.0.retry_after {
            reply.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        let body = serde_json::to_string(&ProblemBody::from(&self.0)).unwrap_or_default();
        reply.content_type(MEDIA_TYPE).body(body)
    }
}

/// Writes the cause, where there is one. Callers see only the detail.
pub fn log(error: &Error) {
    match (&error.cause, error.code) {
        (Some(cause), ErrorCode::Internal) => tracing::error!(cause, "a call failed"),
        (Some(cause), code) => tracing::warn!(?code, cause, "a call was refused"),
        (None, ErrorCode::Internal) => tracing::error!(detail = error.detail, "a call failed"),
        (None, _) => {}
    }
}
