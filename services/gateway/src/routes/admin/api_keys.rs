//! API keys: made and shown once, listed without their secret, revoked for good.

use super::super::door::Caller;
use super::super::params::{ListParams, view};
use super::super::table::{ADMIN, IdKind, KEY_SCOPES, Place, RouteRule, Sends};
use super::{PEOPLE, limits};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::{ApiKeyId, Error, LibraryId, Page, Result, UserId};
use fuente_store::api_keys::{self, ApiKeyInfo, NewKey};
use fuente_wire::problem::Reply;
use fuente_wire::{Body, Id, Params};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("POST", "/v1/admin/api-keys", PEOPLE, || web::to(create))
        .ids(&[(Place::Body, IdKind::User), (Place::Body, IdKind::Library)])
        .sends(Sends::Json(r#"{"name":"Reports","user":"$user","scopes":["ask","search"],"libraries":["$library"],"expires_at":"2099-01-01T00:00:00Z"}"#)),
    RouteRule::new("GET", "/v1/admin/api-keys", PEOPLE, || web::to(list)),
    RouteRule::new("DELETE", "/v1/admin/api-keys/{id}", PEOPLE, || web::to(revoke)).ids(&[(Place::Path("id"), IdKind::ApiKey)]),
];

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyToMake {
    name: String,
    /// Whose rights the key has. It never reads more than this user may read at that moment.
    user: UserId,
    /// What it may do: `ask`, `search`, `conversations`, `documents:read`, `documents:write`, `admin`.
    scopes: Vec<String>,
    /// Only in these libraries; everywhere if left out. Such a key cannot carry `admin`.
    #[serde(default)]
    libraries: Option<Vec<LibraryId>>,
    /// RFC 3339; never if left out.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<OffsetDateTime>,
}

impl KeyToMake {
    fn check(self) -> Result<NewKey> {
        let Self { name, user, scopes, libraries, expires_at } = self;
        let name = limits::text("name", &name, 200)?;
        if let Some(unknown) = scopes.iter().find(|scope| !KEY_SCOPES.iter().any(|(known, _)| known == scope)) {
            let known: Vec<_> = KEY_SCOPES.iter().map(|(name, _)| *name).collect();
            return Err(Error::invalid(format!("There is no scope `{unknown}`; there are {}.", known.join(", "))));
        }
        if scopes.is_empty() {
            return Err(Error::invalid("A key needs one scope at least."));
        }
        if libraries.is_some() && scopes.iter().any(|scope| scope == ADMIN) {
            return Err(Error::invalid("A key limited to libraries cannot carry `admin`."));
        }
        if expires_at.is_some_and(|end| end <= OffsetDateTime::now_utc()) {
            return Err(Error::invalid("`expires_at` is in the past."));
        }
        Ok(NewKey { name, user, scopes, libraries, expires_at })
    }
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct KeyView {
    id: ApiKeyId,
    name: String,
    user: UserId,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    libraries: Option<Vec<LibraryId>>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
    revoked: bool,
}

impl From<ApiKeyInfo> for KeyView {
    fn from(key: ApiKeyInfo) -> Self {
        let ApiKeyInfo { id, name, user, scopes, libraries, expires_at, last_used_at, revoked } = key;
        Self { id, name, user, scopes, libraries, expires_at, last_used_at, revoked }
    }
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
struct MadeKey {
    #[serde(flatten)]
    key: KeyView,
    /// Send it as `Authorization: Bearer`. It is shown this once; only its hash is kept.
    secret: String,
}

/// Make an API key
#[utoipa::path(post, path = "/v1/admin/api-keys", tag = "Access", request_body = KeyToMake,
    responses((status = 201, description = "Made. The secret is not shown again.", body = MadeKey)))]
async fn create(state: web::Data<State>, caller: Caller, body: Body<KeyToMake>) -> Reply {
    let (key, secret) = api_keys::create(&caller.scope, &state.store, body.0.check()?).await?;
    Ok(HttpResponse::Created().json(MadeKey { key: key.into(), secret }))
}

/// List API keys
#[utoipa::path(get, path = "/v1/admin/api-keys", tag = "Access", params(ListParams),
    responses((status = 200, description = "A page of keys, without their secrets.", body = Page<KeyView>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<ListParams>) -> Reply {
    let page = api_keys::list(&caller.scope, &state.store, &params.0.into()).await?;
    Ok(HttpResponse::Ok().json(view::<_, KeyView>(page)))
}

/// Revoke an API key
///
/// It stops working at once.
#[utoipa::path(delete, path = "/v1/admin/api-keys/{id}", tag = "Access", params(("id" = ApiKeyId, Path, description = "The key.")),
    responses((status = 204, description = "Revoked.")))]
async fn revoke(state: web::Data<State>, caller: Caller, id: Id<ApiKeyId>) -> Reply {
    api_keys::revoke(&caller.scope, &state.store, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
