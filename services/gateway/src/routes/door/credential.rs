//! Where a request carries its credential: the session cookie, or a bearer token.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::AUTHORIZATION;
use fuente_settings::Gateway;

/// What the caller sent to prove who they are.
#[derive(Clone)]
pub(crate) enum Token {
    /// Sent by the browser of its own accord, so calls that change something need more proof.
    Cookie(String),
    /// A session's token as a bearer.
    Session(String),
    /// An API key's secret as a bearer.
    Key(String),
}

impl Token {
    /// What the request carries. A bearer decides alone: a bad one is not made good by a cookie.
    pub(crate) fn of(req: &HttpRequest, settings: &Gateway) -> Option<Self> {
        if let Some(header) = req.headers().get(AUTHORIZATION) {
            let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
            if !scheme.eq_ignore_ascii_case("bearer") {
                return None;
            }
            let token = token.trim().to_owned();
            return Some(if token.starts_with("fk_") { Self::Key(token) } else { Self::Session(token) });
        }
        req.cookie(name(settings)).map(|cookie| Self::Cookie(cookie.value().to_owned()))
    }
}

/// `__Host-` makes browsers refuse the cookie without HTTPS, on another path or from a subdomain.
fn name(settings: &Gateway) -> &'static str {
    if settings.secure_cookies { "__Host-fuente" } else { "fuente" }
}

/// The session cookie.
pub(crate) fn cookie(settings: &Gateway, token: &str) -> Cookie<'static> {
    Cookie::build(name(settings), token.to_owned())
        .path("/")
        .http_only(true)
        .secure(settings.secure_cookies)
        .same_site(SameSite::Lax)
        .max_age(Duration::hours(settings.session_max_hours))
        .finish()
}

/// The cookie that takes the session cookie away.
pub(crate) fn cookie_away(settings: &Gateway) -> Cookie<'static> {
    let mut cookie = cookie(settings, "");
    cookie.make_removal();
    cookie
}
