//! Why somebody may or may not read a document.

use super::super::door::Caller;
use super::super::params;
use super::super::table::{IdKind, Place, RouteRule};
use super::MANAGE;
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::access::Explanation;
use fuente_contract::{DocumentId, UserId};
use fuente_store::access;
use fuente_wire::Params;
use fuente_wire::problem::Reply;
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) const RULES: &[RouteRule] =
    &[RouteRule::new("GET", "/v1/admin/access/explain", MANAGE, || web::to(explain))
        .ids(&[(Place::Query("user"), IdKind::User), (Place::Query("document"), IdKind::Document)])];

/// About whom and what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExplainParams {
    #[serde(deserialize_with = "params::id")]
    user: UserId,
    #[serde(deserialize_with = "params::id")]
    document: DocumentId,
}

/// Explain who may read what
///
/// The verdict for one user and one document as of now: the rule that decided, the chain of
/// groups by which it applies, the policy and the epoch.
#[utoipa::path(get, path = "/v1/admin/access/explain", tag = "Access", params(ExplainParams),
    responses((status = 200, description = "The explanation.", body = Explanation)))]
async fn explain(state: web::Data<State>, caller: Caller, params: Params<ExplainParams>) -> Reply {
    Ok(HttpResponse::Ok().json(access::explain(&caller.scope, &state.store, params.0.user, params.0.document).await?))
}
