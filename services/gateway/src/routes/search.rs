//! Search without an answer.

use super::door::Caller;
use super::table::{IdKind, Key, Place, RouteRule, Rule, SEARCH, Sends};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::limits;
use fuente_contract::{Error, SearchReply, SearchRequest};
use fuente_wire::Body;
use fuente_wire::problem::Reply;

pub(super) const RULES: &[RouteRule] =
    &[RouteRule::new("POST", "/v1/search", Rule::SignedIn(Key::Scope(SEARCH)), || web::to(search))
        .ids(&[(Place::Body, IdKind::Library), (Place::Body, IdKind::Document)])
        .sends(Sends::Json(
            r#"{"query":"days of leave","limit":5,"libraries":["$library"],"documents":["$document"]}"#,
        ))];

/// Search
///
/// Ranks the passages that the caller may read now by meaning and by words. This is what the
/// assistant sees: an answer is made from nothing else. With `evidence_tokens` the reply also
/// holds the windows of sentences that would go into a prompt.
#[utoipa::path(post, path = "/v1/search", tag = "Asking", request_body = SearchRequest,
    responses((status = 200, description = "The passages found, best first.", body = SearchReply)))]
async fn search(state: web::Data<State>, caller: Caller, body: Body<SearchRequest>) -> Reply {
    let request = body.0;
    limits::question("query", &request.query)?;
    if request.limit.is_some_and(|limit| limit == 0 || limit > 50) {
        return Err(Error::invalid("`limit` must be 1 to 50.").into());
    }
    Ok(HttpResponse::Ok().json(state.search.search(&caller.scope, request).await?))
}
