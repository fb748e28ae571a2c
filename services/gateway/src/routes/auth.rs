//! Signing in and out.

use super::door::{Caller, Token, client, cookie, cookie_away, from_elsewhere};
use super::me::UserView;
use super::table::{Key, RouteRule, Rule, Sends};
use crate::state::State;
use actix_web::{HttpRequest, HttpResponse, web};
use fuente_contract::{Credential, Error, ErrorCode, Result, TenantId};
use fuente_store::{sessions, sign_in, tenants};
use fuente_wire::Body;
use fuente_wire::problem::Reply;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;
use utoipa::ToSchema;

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("POST", "/v1/auth/sign-in", Rule::Public, || web::to(sign_in))
        .sends(Sends::Json(r#"{"email":"nobody@example.org","password":"not a password"}"#)),
    RouteRule::new("POST", "/v1/auth/sign-out", Rule::SignedIn(Key::Never), || web::to(sign_out)),
];

/// Longest e-mail address (RFC 5321), tenant name and password, in bytes. No account has a longer
/// one, so such a call ends before it is counted or hashed.
const EMAIL: usize = 254;
const SLUG: usize = 63;
const PASSWORD: usize = 1000;

/// How long a call waits for its turn to have its password checked.
const TURN: Duration = Duration::from_secs(5);

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// Short name of the tenant; the server's default tenant if left out.
    #[serde(default)]
    tenant: Option<String>,
    email: String,
    password: String,
    /// Return the session's token in the reply, for `Authorization: Bearer`, instead of setting a cookie.
    #[serde(default)]
    bearer: bool,
}

/// A session was opened.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedIn {
    user: UserView,
    /// Only where `bearer` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// Sign in
///
/// Opens a session with an email address and a password. A browser gets it as an HttpOnly
/// cookie; programs ask for a token with `"bearer": true`. Attempts are limited per address and
/// account.
#[utoipa::path(post, path = "/v1/auth/sign-in", tag = "Signing in", request_body = SignIn,
    responses((status = 200, description = "Signed in.", body = SignedIn)))]
async fn sign_in(req: HttpRequest, state: web::Data<State>, body: Body<SignIn>) -> Reply {
    let settings = &state.settings.gateway;
    let address = client(&req, &settings.proxies());
    from_elsewhere(req.headers(), settings)?;
    let SignIn { tenant, email, password, bearer } = body.0;
    let slug = tenant.as_deref().unwrap_or(&settings.default_tenant);
    if email.trim().len() > EMAIL || slug.len() > SLUG || password.len() > PASSWORD {
        return Err(wrong().into());
    }
    let account = format!("{slug}/{}", email.trim());
    state.attempts.count(address, &account)?;
    // A tenant that does not exist goes the same way, with an id that nobody has, so that it
    // takes the same time and answers the same.
    let tenant = tenants::by_slug(&state.system, &state.store, slug).await?.unwrap_or_else(TenantId::fresh);
    let turn = turn(&state).await?;
    let user = sign_in::password(&state.system, &state.store, tenant, email.trim(), &password).await?;
    drop(turn);
    let user = user.ok_or_else(wrong)?;
    state.attempts.forget(address, &account);
    let scope = state.scope(tenant, &user, Credential::Session);
    let token = sessions::open(&scope, &state.store, settings.session_idle_hours, settings.session_max_hours).await?;
    let mut reply = HttpResponse::Ok();
    if !bearer {
        reply.cookie(cookie(settings, &token));
    }
    Ok(reply.json(SignedIn { user: user.into(), token: bearer.then_some(token) }))
}

/// A turn to have a password checked or hashed, which takes memory and a core for a while.
pub(super) async fn turn(state: &State) -> Result<SemaphorePermit<'_>> {
    timeout(TURN, state.sign_ins.acquire()).await.map_err(|_| busy())?.map_err(Error::internal)
}

fn wrong() -> Error {
    Error::new(ErrorCode::Unauthenticated, "The email address or the password is wrong.")
}

fn busy() -> Error {
    Error::unavailable("Too many people are signing in right now.", 5)
}

/// Sign out
///
/// Closes the session for good, wherever else it is in use.
#[utoipa::path(post, path = "/v1/auth/sign-out", tag = "Signing in", responses((status = 204, description = "Signed out.")))]
async fn sign_out(state: web::Data<State>, caller: Caller) -> Reply {
    if let Token::Cookie(text) | Token::Session(text) = &caller.token {
        sessions::close(&state.system, &state.store, text).await?;
    }
    Ok(HttpResponse::NoContent().cookie(cookie_away(&state.settings.gateway)).finish())
}
