//! The libraries in which the caller may read something.

use super::door::Caller;
use super::table::{Key, READ, RouteRule, Rule};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::LibraryId;
use fuente_store::libraries;
use fuente_wire::problem::Reply;
use serde::Serialize;
use utoipa::ToSchema;

pub(super) const RULES: &[RouteRule] =
    &[RouteRule::new("GET", "/v1/libraries", Rule::SignedIn(Key::Scope(READ)), || web::to(list))];

/// A library as its readers see it: without its rules.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadableLibrary)]
struct LibraryView {
    id: LibraryId,
    name: String,
    description: String,
}

/// List readable libraries
///
/// Every library in which the caller may read now. Others do not appear.
#[utoipa::path(get, path = "/v1/libraries", tag = "Reading", responses((status = 200, description = "The libraries.", body = Vec<LibraryView>)))]
async fn list(state: web::Data<State>, caller: Caller) -> Reply {
    let libraries = libraries::readable(&caller.scope, &state.store).await?;
    let views: Vec<_> = libraries
        .into_iter()
        .map(|library| LibraryView { id: library.id, name: library.name, description: library.description })
        .collect();
    Ok(HttpResponse::Ok().json(views))
}
