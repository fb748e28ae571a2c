//! Who the caller is.

use super::auth;
use super::door::{Caller, Token, client};
use super::table::{Key, RouteRule, Rule, Sends};
use crate::state::State;
use actix_web::{HttpRequest, HttpResponse, web};
use fuente_contract::{Credential, LibraryId, Role, TenantId, UserId};
use fuente_store::passwords;
use fuente_store::users::{self, UserInfo};
use fuente_wire::Body;
use fuente_wire::problem::Reply;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("GET", "/v1/me", Rule::SignedIn(Key::Any), || web::to(show)),
    RouteRule::new("PUT", "/v1/me/password", Rule::SignedIn(Key::Never), || web::to(change_password))
        .sends(Sends::Json(r#"{"current":"not a password","new":"another long one"}"#)),
];

/// A new password of one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    current: String,
    /// 10 characters or more.
    new: String,
}

/// A user, as the user and administrators see them.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    id: UserId,
    email: String,
    name: String,
    role: Role,
    /// Whether an administrator may read documents whose policy has no rules.
    content_read: bool,
    /// Disabled users cannot sign in, and their keys and sessions stop at once.
    active: bool,
}

impl From<UserInfo> for UserView {
    fn from(user: UserInfo) -> Self {
        let UserInfo { id, email, name, role, content_read, active } = user;
        Self { id, email, name, role, content_read, active }
    }
}

/// The caller.
#[derive(Serialize, ToSchema)]
struct Me {
    user: UserView,
    tenant: TenantId,
    /// `session` or `api_key`.
    credential: &'static str,
    /// What the API key may do; absent for sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// The libraries that the API key is limited to; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    libraries: Option<Vec<LibraryId>>,
}

/// Show the caller
///
/// Says whom the credential belongs to and what it may do.
#[utoipa::path(get, path = "/v1/me", tag = "Signing in", responses((status = 200, description = "The caller.", body = Me)))]
async fn show(state: web::Data<State>, caller: Caller) -> Reply {
    let user = users::get(&caller.scope, &state.store, caller.scope.user()).await?.into();
    let (credential, scopes, libraries) = match caller.scope.credential().clone() {
        Credential::ApiKey { scopes, libraries } => ("api_key", Some(scopes), libraries),
        _ => ("session", None, None),
    };
    Ok(HttpResponse::Ok().json(Me { user, tenant: caller.scope.tenant(), credential, scopes, libraries }))
}

/// Change one's password
///
/// Every other session of the caller ends; the one that calls goes on. Attempts are limited as at sign-in.
#[utoipa::path(put, path = "/v1/me/password", tag = "Signing in", request_body = NewPassword,
    responses((status = 204, description = "Changed.")))]
async fn change_password(req: HttpRequest, state: web::Data<State>, caller: Caller, body: Body<NewPassword>) -> Reply {
    let address = client(&req, &state.settings.gateway.proxies());
    let account = format!("password of {}", caller.scope.user());
    state.attempts.count(address, &account)?;
    let kept = match &caller.token {
        Token::Cookie(text) | Token::Session(text) => Some(text.as_str()),
        Token::Key(_) => None,
    };
    let turn = auth::turn(&state).await?;
    passwords::change(&caller.scope, &state.store, &body.0.current, &body.0.new, kept).await?;
    drop(turn);
    state.attempts.forget(address, &account);
    Ok(HttpResponse::NoContent().finish())
}
