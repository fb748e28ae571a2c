//! From a credential to a scope: the one path by which a caller gets in.

mod address;
mod credential;
mod guard;
mod headers;
mod origin;

pub(crate) use address::client;
pub(crate) use credential::{Token, cookie, cookie_away};
pub(crate) use guard::guard;
pub(crate) use headers::secure;
pub(crate) use origin::from_elsewhere;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use fuente_contract::{Error, ErrorCode, Scope};
use fuente_wire::Problem;
use std::future::{Ready, ready};

/// Who calls. Only the guard puts it into a request, so a handler that was reached around the
/// guard has none and answers 401.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) scope: Scope,
    pub(crate) token: Token,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(req.extensions().get::<Self>().cloned().ok_or_else(|| Problem(unauthenticated())))
    }
}

pub(crate) fn unauthenticated() -> Error {
    Error::new(ErrorCode::Unauthenticated, "Sign in, or send a valid token as `Authorization: Bearer`.")
}
