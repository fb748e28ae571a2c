//! Whether a call that a browser sent of its own accord comes from our own pages.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use fuente_contract::{Error, ErrorCode, Result};
use fuente_settings::Gateway;
use fuente_wire::request::is_json;

/// Checks a call that was proved by cookie alone.
///
/// Reading is free. Changing something needs the browser's word that the page which sent it is
/// ours; where the caller is too old or no browser to say so, a JSON body, which no form of
/// another site can send.
///
/// # Errors
/// `Forbidden` where the call may come from another site.
pub(super) fn check(req: &HttpRequest, settings: &Gateway) -> Result<()> {
    if *req.method() == Method::GET || *req.method() == Method::HEAD {
        return Ok(());
    }
    let headers = req.headers();
    let allowed = ours(headers, settings).unwrap_or_else(|| is_json(headers));
    if allowed { Ok(()) } else { Err(refusal()) }
}

/// Whether the browser says that another site sent the call (for calls that need no cookie).
pub(crate) fn from_elsewhere(headers: &HeaderMap, settings: &Gateway) -> Result<()> {
    if ours(headers, settings) == Some(false) { Err(refusal()) } else { Ok(()) }
}

fn refusal() -> Error {
    Error::new(
        ErrorCode::Forbidden,
        "Calls by cookie that change something must come from our own pages, with Content-Type: application/json.",
    )
}

/// What the browser says of the page that sent the call; `None` where it says nothing.
fn ours(headers: &HeaderMap, settings: &Gateway) -> Option<bool> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return Some(site == "same-origin" || site == "none");
    }
    let origin = text(ORIGIN.as_str())?;
    let public = settings.public_url.trim_end_matches('/');
    let host = origin.split_once("://").map(|(_, host)| host);
    Some((!public.is_empty() && origin == public) || (host.is_some() && host == text(HOST.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn verdict(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let mut settings = fuente_settings::load_from(None, []).unwrap().gateway;
        settings.public_url = "https://ask.example.org".into();
        let request = headers
            .iter()
            .fold(TestRequest::default().method(method), |request, header| request.insert_header(*header));
        check(&request.to_http_request(), &settings).is_ok()
    }

    #[test]
    fn other_sites_change_nothing_by_cookie() {
        let json = ("content-type", "application/json");
        let (host, form) = (("host", "ask.example.org"), ("content-type", "multipart/form-data; boundary=x"));
        for origin in [
            "https://evil.example",
            "https://ask.example.org.evil.example",
            "https://ask.example.org:8443",
            "http://sub.ask.example.org",
            "null",
            "",
        ] {
            assert!(!verdict(Method::POST, &[host, json, ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site", ""] {
            assert!(
                !verdict(Method::POST, &[host, json, ("origin", "https://ask.example.org"), ("sec-fetch-site", site)]),
                "{site}"
            );
        }
        assert!(!verdict(Method::POST, &[host, form]));
        assert!(!verdict(Method::POST, &[host, ("content-type", "text/plain")]));
        assert!(!verdict(Method::POST, &[host]));
        assert!(!verdict(Method::DELETE, &[host]));
        assert!(verdict(Method::GET, &[host, ("sec-fetch-site", "cross-site")]));
        assert!(verdict(Method::POST, &[host, json]));
        assert!(verdict(Method::POST, &[host, json, ("origin", "https://ask.example.org")]));
        assert!(verdict(Method::POST, &[host, form, ("sec-fetch-site", "same-origin")]));
        assert!(verdict(Method::DELETE, &[host, ("sec-fetch-site", "same-origin")]));
    }
}
