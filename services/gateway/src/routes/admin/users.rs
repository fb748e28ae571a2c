//! People.

use super::super::auth;
use super::super::door::Caller;
use super::super::me::UserView;
use super::super::params::{ListParams, view};
use super::super::table::{IdKind, Place, RouteRule, Sends};
use super::{MANAGE, PEOPLE, limits};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::access::Receipt;
use fuente_contract::{Error, Page, Result, Role, UserId};
use fuente_store::passwords;
use fuente_store::users::{self, NewUser};
use fuente_wire::problem::Reply;
use fuente_wire::{Body, Id, Params};
use serde::Deserialize;
use utoipa::ToSchema;

const ID: &[(Place, IdKind)] = &[(Place::Path("id"), IdKind::User)];

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("POST", "/v1/admin/users", MANAGE, || web::to(create))
        .sends(Sends::Json(r#"{"email":"ann@example.org","name":"Ann","password":"a long enough one"}"#)),
    RouteRule::new("GET", "/v1/admin/users", MANAGE, || web::to(list)),
    RouteRule::new("GET", "/v1/admin/users/{id}", MANAGE, || web::to(show)).ids(ID),
    RouteRule::new("PUT", "/v1/admin/users/{id}/password", PEOPLE, || web::to(reset_password))
        .ids(ID)
        .sends(Sends::Json(r#"{"password":"another long one"}"#)),
    RouteRule::new("PUT", "/v1/admin/users/{id}/status", MANAGE, || web::to(set_status))
        .ids(ID)
        .sends(Sends::Json(r#"{"active":true}"#)),
];

/// A user to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserToCreate {
    /// No other user's of the tenant.
    email: String,
    name: String,
    /// 10 characters or more. Without one the user works by API key only.
    #[serde(default)]
    password: Option<String>,
    /// `member` if left out.
    #[serde(default)]
    role: Option<Role>,
    /// Let an administrator read documents whose policy has no rules.
    #[serde(default)]
    content_read: bool,
}

impl UserToCreate {
    fn check(self) -> Result<NewUser> {
        let email = limits::text("email", &self.email, 254)?;
        let (before, after) = email.split_once('@').unwrap_or_default();
        if before.is_empty() || after.is_empty() || after.contains('@') || email.contains(char::is_whitespace) {
            return Err(Error::invalid("`email` is not an email address."));
        }
        let name = limits::text("name", &self.name, 200)?;
        let length = self.password.as_ref().map(|password| password.chars().count());
        if length.is_some_and(|length| !(10..=1000).contains(&length)) {
            return Err(Error::invalid("`password` must have 10 to 1000 characters."));
        }
        let role = self.role.unwrap_or(Role::Member);
        Ok(NewUser { email, name, password: self.password, role, content_read: self.content_read })
    }
}

/// A password set for somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordToSet {
    /// 10 characters or more. Tell it to the user in a way that nobody else reads; they change it
    /// with `PUT /v1/me/password`.
    password: String,
}

/// Whether a user may sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Status {
    active: bool,
}

/// Create a user
#[utoipa::path(post, path = "/v1/admin/users", tag = "People", request_body = UserToCreate,
    responses((status = 201, description = "Created.", body = UserView)))]
async fn create(state: web::Data<State>, caller: Caller, body: Body<UserToCreate>) -> Reply {
    let user = users::create(&caller.scope, &state.store, body.0.check()?).await?;
    Ok(HttpResponse::Created().json(UserView::from(user)))
}

/// List users
#[utoipa::path(get, path = "/v1/admin/users", tag = "People", params(ListParams),
    responses((status = 200, description = "A page of users.", body = Page<UserView>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<ListParams>) -> Reply {
    let page = users::list(&caller.scope, &state.store, &params.0.into()).await?;
    Ok(HttpResponse::Ok().json(view::<_, UserView>(page)))
}

/// Show a user
#[utoipa::path(get, path = "/v1/admin/users/{id}", tag = "People", params(("id" = UserId, Path, description = "The user.")),
    responses((status = 200, description = "The user.", body = UserView)))]
async fn show(state: web::Data<State>, caller: Caller, id: Id<UserId>) -> Reply {
    Ok(HttpResponse::Ok().json(UserView::from(users::get(&caller.scope, &state.store, id.0).await?)))
}

/// Reset a user's password
///
/// For somebody who forgot theirs. Every session of theirs ends; their API keys go on.
#[utoipa::path(put, path = "/v1/admin/users/{id}/password", tag = "People", params(("id" = UserId, Path, description = "The user.")),
    request_body = PasswordToSet, responses((status = 204, description = "Set.")))]
async fn reset_password(state: web::Data<State>, caller: Caller, id: Id<UserId>, body: Body<PasswordToSet>) -> Reply {
    // A session that was left open is no proof of the password.
    if id.0 == caller.scope.user() {
        return Err(Error::conflict("One's own password is changed at /v1/me/password, knowing the old one.").into());
    }
    let turn = auth::turn(&state).await?;
    passwords::reset(&caller.scope, &state.store, id.0, &body.0.password).await?;
    drop(turn);
    Ok(HttpResponse::NoContent().finish())
}

/// Disable or enable a user
///
/// Disabling ends every session and key of the user at once, and running answers within seconds.
#[utoipa::path(put, path = "/v1/admin/users/{id}/status", tag = "People", params(("id" = UserId, Path, description = "The user.")),
    request_body = Status, responses((status = 200, description = "Changed.", body = Receipt)))]
async fn set_status(state: web::Data<State>, caller: Caller, id: Id<UserId>, body: Body<Status>) -> Reply {
    if id.0 == caller.scope.user() && !body.0.active {
        return Err(Error::conflict("Administrators cannot disable themselves.").into());
    }
    Ok(HttpResponse::Ok().json(users::set_status(&caller.scope, &state.store, id.0, body.0.active).await?))
}
