//! Policies by id, as libraries and explanations name them.

use super::super::door::Caller;
use super::super::params::ListParams;
use super::super::table::{IdKind, Place, RouteRule};
use super::MANAGE;
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::access::Policy;
use fuente_contract::{Page, PolicyId};
use fuente_store::policies;
use fuente_wire::problem::Reply;
use fuente_wire::{Id, Params};

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("GET", "/v1/admin/policies", MANAGE, || web::to(list)),
    RouteRule::new("GET", "/v1/admin/policies/{id}", MANAGE, || web::to(show))
        .ids(&[(Place::Path("id"), IdKind::Policy)]),
];

/// List policies
///
/// Those of the libraries, and those that stand for documents' own rules: each set of rules once,
/// however many documents have it.
#[utoipa::path(get, path = "/v1/admin/policies", tag = "Access", params(ListParams),
    responses((status = 200, description = "A page of policies.", body = Page<Policy>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<ListParams>) -> Reply {
    Ok(HttpResponse::Ok().json(policies::list(&caller.scope, &state.store, &params.0.into()).await?))
}

/// Show a policy
///
/// The rules under one id. A library's id stays while its rules change; a document's own rules
/// have an id that stands for exactly these rules.
#[utoipa::path(get, path = "/v1/admin/policies/{id}", tag = "Access", params(("id" = PolicyId, Path, description = "The policy.")),
    responses((status = 200, description = "The policy.", body = Policy)))]
async fn show(state: web::Data<State>, caller: Caller, id: Id<PolicyId>) -> Reply {
    Ok(HttpResponse::Ok().json(policies::get(&caller.scope, &state.store, id.0).await?))
}
