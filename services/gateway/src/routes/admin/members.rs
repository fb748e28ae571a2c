//! Who is in a group: users, and other groups with all that are in them.

use super::super::door::Caller;
use super::super::table::{IdKind, Place, RouteRule};
use super::MANAGE;
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::access::Receipt;
use fuente_contract::{GroupId, UserId};
use fuente_store::groups;
use fuente_wire::Id;
use fuente_wire::problem::Reply;
use serde::Serialize;
use utoipa::ToSchema;

const USER: &[(Place, IdKind)] = &[(Place::Path("id"), IdKind::Group), (Place::Path("user"), IdKind::User)];
const GROUP: &[(Place, IdKind)] = &[(Place::Path("id"), IdKind::Group), (Place::Path("group"), IdKind::Group)];

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("GET", "/v1/admin/groups/{id}/members", MANAGE, || web::to(list))
        .ids(&[(Place::Path("id"), IdKind::Group)]),
    RouteRule::new("PUT", "/v1/admin/groups/{id}/users/{user}", MANAGE, || web::to(add_user)).ids(USER),
    RouteRule::new("DELETE", "/v1/admin/groups/{id}/users/{user}", MANAGE, || web::to(remove_user)).ids(USER),
    RouteRule::new("PUT", "/v1/admin/groups/{id}/groups/{group}", MANAGE, || web::to(add_group)).ids(GROUP),
    RouteRule::new("DELETE", "/v1/admin/groups/{id}/groups/{group}", MANAGE, || web::to(remove_group)).ids(GROUP),
];

/// Who is directly in a group.
#[derive(Serialize, ToSchema)]
struct Members {
    users: Vec<UserId>,
    groups: Vec<GroupId>,
}

/// List a group's members
///
/// The direct ones. Members of a group inside count as members of this one too.
#[utoipa::path(get, path = "/v1/admin/groups/{id}/members", tag = "People", params(("id" = GroupId, Path, description = "The group.")),
    responses((status = 200, description = "The members.", body = Members)))]
async fn list(state: web::Data<State>, caller: Caller, id: Id<GroupId>) -> Reply {
    let members = groups::members(&caller.scope, &state.store, id.0).await?;
    Ok(HttpResponse::Ok().json(Members { users: members.users, groups: members.groups }))
}

/// Add a user to a group
///
/// Holds from the epoch in the reply on.
#[utoipa::path(put, path = "/v1/admin/groups/{id}/users/{user}", tag = "People",
    params(("id" = GroupId, Path, description = "The group."), ("user" = UserId, Path, description = "The user.")),
    responses((status = 200, description = "A member now.", body = Receipt)))]
async fn add_user(state: web::Data<State>, caller: Caller, ids: Id<(GroupId, UserId)>) -> Reply {
    Ok(HttpResponse::Ok().json(groups::add_user(&caller.scope, &state.store, ids.0.0, ids.0.1).await?))
}

/// Take a user out of a group
///
/// Holds from the epoch in the reply on: no later question sees the membership.
#[utoipa::path(delete, path = "/v1/admin/groups/{id}/users/{user}", tag = "People",
    params(("id" = GroupId, Path, description = "The group."), ("user" = UserId, Path, description = "The user.")),
    responses((status = 200, description = "No member any more.", body = Receipt)))]
async fn remove_user(state: web::Data<State>, caller: Caller, ids: Id<(GroupId, UserId)>) -> Reply {
    Ok(HttpResponse::Ok().json(groups::remove_user(&caller.scope, &state.store, ids.0.0, ids.0.1).await?))
}

/// Put a group into a group
///
/// Refused where it would close a circle.
#[utoipa::path(put, path = "/v1/admin/groups/{id}/groups/{group}", tag = "People",
    params(("id" = GroupId, Path, description = "The outer group."), ("group" = GroupId, Path, description = "The inner group.")),
    responses((status = 200, description = "Inside now.", body = Receipt)))]
async fn add_group(state: web::Data<State>, caller: Caller, ids: Id<(GroupId, GroupId)>) -> Reply {
    Ok(HttpResponse::Ok().json(groups::add_group(&caller.scope, &state.store, ids.0.0, ids.0.1).await?))
}

/// Take a group out of a group
#[utoipa::path(delete, path = "/v1/admin/groups/{id}/groups/{group}", tag = "People",
    params(("id" = GroupId, Path, description = "The outer group."), ("group" = GroupId, Path, description = "The inner group.")),
    responses((status = 200, description = "No longer inside.", body = Receipt)))]
async fn remove_group(state: web::Data<State>, caller: Caller, ids: Id<(GroupId, GroupId)>) -> Reply {
    Ok(HttpResponse::Ok().json(groups::remove_group(&caller.scope, &state.store, ids.0.0, ids.0.1).await?))
}
