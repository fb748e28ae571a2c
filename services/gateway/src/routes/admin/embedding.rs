//! Which embedding model answers, and how far a change of it is.

use super::super::door::Caller;
use super::super::table::RouteRule;
use super::{MANAGE, limits};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::embedding::EmbeddingState;
use fuente_store::embedders;
use fuente_wire::problem::Reply;

pub(super) const RULES: &[RouteRule] = &[RouteRule::new("GET", "/v1/admin/embedding", MANAGE, || web::to(show))];

/// The embedding model
///
/// Which model the documents are searched with, and, while it is being replaced by another
/// (`models.embedder` in the settings), how many passages that one has read. Everything goes on being
/// searched meanwhile.
#[utoipa::path(get, path = "/v1/admin/embedding", tag = "Documents",
    responses((status = 200, description = "The state.", body = EmbeddingState)))]
async fn show(state: web::Data<State>, caller: Caller) -> Reply {
    limits::unlimited(&caller.scope, "use one that is not limited to libraries")?;
    Ok(HttpResponse::Ok().json(embedders::state(&caller.scope, &state.store).await?))
}
