//! Groups.

use super::super::door::Caller;
use super::super::params::{ListParams, view};
use super::super::table::{IdKind, Place, RouteRule, Sends};
use super::{MANAGE, limits};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::access::Receipt;
use fuente_contract::{GroupId, Page};
use fuente_store::groups::{self, GroupInfo};
use fuente_wire::problem::Reply;
use fuente_wire::{Body, Id, Params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("POST", "/v1/admin/groups", MANAGE, || web::to(create)).sends(Sends::Json(r#"{"name":"Finance"}"#)),
    RouteRule::new("GET", "/v1/admin/groups", MANAGE, || web::to(list)),
    RouteRule::new("DELETE", "/v1/admin/groups/{id}", MANAGE, || web::to(delete))
        .ids(&[(Place::Path("id"), IdKind::Group)]),
];

/// A group to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    /// 1 to 200 characters, no other group's name.
    name: String,
}

/// A group.
#[derive(Serialize, ToSchema)]
#[schema(as = Group)]
pub(super) struct GroupView {
    id: GroupId,
    name: String,
}

impl From<GroupInfo> for GroupView {
    fn from(group: GroupInfo) -> Self {
        let GroupInfo { id, name } = group;
        Self { id, name }
    }
}

/// Create a group
#[utoipa::path(post, path = "/v1/admin/groups", tag = "People", request_body = NewGroup,
    responses((status = 201, description = "Created.", body = GroupView)))]
async fn create(state: web::Data<State>, caller: Caller, body: Body<NewGroup>) -> Reply {
    let name = limits::text("name", &body.0.name, 200)?;
    let group = groups::create(&caller.scope, &state.store, &name).await?;
    Ok(HttpResponse::Created().json(GroupView::from(group)))
}

/// List groups
#[utoipa::path(get, path = "/v1/admin/groups", tag = "People", params(ListParams),
    responses((status = 200, description = "A page of groups.", body = Page<GroupView>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<ListParams>) -> Reply {
    let page = groups::list(&caller.scope, &state.store, &params.0.into()).await?;
    Ok(HttpResponse::Ok().json(view::<_, GroupView>(page)))
}

/// Delete a group
///
/// Refused while a rule names it: take it out of the rules first.
#[utoipa::path(delete, path = "/v1/admin/groups/{id}", tag = "People", params(("id" = GroupId, Path, description = "The group.")),
    responses((status = 200, description = "Deleted.", body = Receipt)))]
async fn delete(state: web::Data<State>, caller: Caller, id: Id<GroupId>) -> Reply {
    Ok(HttpResponse::Ok().json(groups::delete(&caller.scope, &state.store, id.0).await?))
}
