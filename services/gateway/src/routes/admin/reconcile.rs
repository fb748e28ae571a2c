//! Do the stores agree?

use super::super::door::Caller;
use super::super::table::{RouteRule, Sends};
use super::{DOCUMENTS, limits};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::drift::Drift;
use fuente_wire::Body;
use fuente_wire::problem::Reply;
use serde::Deserialize;
use utoipa::ToSchema;

pub(super) const RULES: &[RouteRule] =
    &[RouteRule::new("POST", "/v1/admin/reconcile", DOCUMENTS, || web::to(reconcile))
        .sends(Sends::Json(r#"{"mend":false}"#))];

/// Whether to mend what is found.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reconcile {
    mend: bool,
}

/// Compare the stores
///
/// Walks the vector index, the rows and the files of the tenant side by side and counts where they
/// disagree; with `mend` it also puts right what can be. It runs by itself once a day; takes about a
/// second for every ten thousand passages.
#[utoipa::path(post, path = "/v1/admin/reconcile", tag = "Documents", request_body = Reconcile,
    responses((status = 200, description = "What was found.", body = Drift)))]
async fn reconcile(state: web::Data<State>, caller: Caller, body: Body<Reconcile>) -> Reply {
    limits::unlimited(&caller.scope, "use one that is not limited to libraries")?;
    Ok(HttpResponse::Ok().json(state.ingest.reconcile(&caller.scope, body.0.mend).await?))
}
