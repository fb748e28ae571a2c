//! Libraries, and the rules of who reads in them.

use super::super::door::Caller;
use super::super::params::ListParams;
use super::super::table::{IdKind, Place, RouteRule, Sends};
use super::{MANAGE, limits};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::access::{Receipt, Rule};
use fuente_contract::document::LibraryInfo;
use fuente_contract::{LibraryId, Page};
use fuente_store::libraries;
use fuente_wire::problem::Reply;
use fuente_wire::{Body, Id, Params};
use serde::Deserialize;
use utoipa::ToSchema;

const ID: &[(Place, IdKind)] = &[(Place::Path("id"), IdKind::Library)];
const IN_RULES: &[(Place, IdKind)] = &[(Place::Body, IdKind::Group), (Place::Body, IdKind::User)];

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("POST", "/v1/admin/libraries", MANAGE, || web::to(create)).ids(IN_RULES).sends(Sends::Json(
        r#"{"name":"Handbook","description":"For everyone","rules":[{"effect":"allow","who":"everyone"},{"effect":"allow","who":{"all_of":["$group"]}},{"effect":"deny","who":{"user":"$user"}}]}"#,
    )),
    RouteRule::new("GET", "/v1/admin/libraries", MANAGE, || web::to(list)),
    RouteRule::new("GET", "/v1/admin/libraries/{id}", MANAGE, || web::to(show)).ids(ID),
    RouteRule::new("DELETE", "/v1/admin/libraries/{id}", MANAGE, || web::to(delete)).ids(ID),
    RouteRule::new("PUT", "/v1/admin/libraries/{id}/rules", MANAGE, || web::to(set_rules))
        .ids(&[(Place::Path("id"), IdKind::Library), (Place::Body, IdKind::Group), (Place::Body, IdKind::User)])
        .sends(Sends::Json(r#"{"rules":[{"effect":"allow","who":{"all_of":["$group"]}},{"effect":"deny","who":{"user":"$user"}}]}"#)),
];

/// A library to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLibrary {
    /// 1 to 200 characters, no other library's name.
    name: String,
    #[serde(default)]
    description: String,
    /// Who reads. Without rules: the owners of documents, and administrators with `content_read`.
    #[serde(default)]
    rules: Vec<Rule>,
}

/// A library's new rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LibraryRules {
    rules: Vec<Rule>,
}

/// Create a library
#[utoipa::path(post, path = "/v1/admin/libraries", tag = "Libraries", request_body = NewLibrary,
    responses((status = 201, description = "Created.", body = LibraryInfo)))]
async fn create(state: web::Data<State>, caller: Caller, body: Body<NewLibrary>) -> Reply {
    let name = limits::text("name", &body.0.name, 200)?;
    limits::rules(&body.0.rules)?;
    let library =
        libraries::create(&caller.scope, &state.store, &name, body.0.description.trim(), body.0.rules).await?;
    Ok(HttpResponse::Created().json(library))
}

/// List libraries
///
/// All of the tenant's, with their rules, a page at a time.
#[utoipa::path(get, path = "/v1/admin/libraries", tag = "Libraries", params(ListParams),
    responses((status = 200, description = "A page of libraries.", body = Page<LibraryInfo>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<ListParams>) -> Reply {
    Ok(HttpResponse::Ok().json(libraries::list(&caller.scope, &state.store, &params.0.into()).await?))
}

/// Show a library
#[utoipa::path(get, path = "/v1/admin/libraries/{id}", tag = "Libraries", params(("id" = LibraryId, Path, description = "The library.")),
    responses((status = 200, description = "The library.", body = LibraryInfo)))]
async fn show(state: web::Data<State>, caller: Caller, id: Id<LibraryId>) -> Reply {
    Ok(HttpResponse::Ok().json(libraries::get(&caller.scope, &state.store, id.0).await?))
}

/// Delete a library
///
/// Only an empty one; delete its documents first.
#[utoipa::path(delete, path = "/v1/admin/libraries/{id}", tag = "Libraries", params(("id" = LibraryId, Path, description = "The library.")),
    responses((status = 204, description = "Deleted.")))]
async fn delete(state: web::Data<State>, caller: Caller, id: Id<LibraryId>) -> Reply {
    libraries::delete(&caller.scope, &state.store, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change who reads a library
///
/// Replaces the rules. They hold from the epoch in the reply: no later question sees the old
/// ones. Documents with rules of their own keep those.
#[utoipa::path(put, path = "/v1/admin/libraries/{id}/rules", tag = "Libraries", params(("id" = LibraryId, Path, description = "The library.")),
    request_body = LibraryRules, responses((status = 200, description = "Changed.", body = Receipt)))]
async fn set_rules(state: web::Data<State>, caller: Caller, id: Id<LibraryId>, body: Body<LibraryRules>) -> Reply {
    limits::rules(&body.0.rules)?;
    Ok(HttpResponse::Ok().json(libraries::set_rules(&caller.scope, &state.store, id.0, body.0.rules).await?))
}
