//! Documents as their managers see them.

use super::super::documents::DocumentParams;
use super::super::door::Caller;
use super::super::table::{IdKind, Place, RouteRule, Sends};
use super::{DOCUMENTS, limits};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::access::{Receipt, Rule};
use fuente_contract::document::{DeleteReceipt, DocumentInfo};
use fuente_contract::{Cursor, DocumentId, Error, Page};
use fuente_store::{documents, policies};
use fuente_wire::problem::Reply;
use fuente_wire::{Body, Id, Params};
use serde::Deserialize;
use utoipa::ToSchema;

const ID: &[(Place, IdKind)] = &[(Place::Path("id"), IdKind::Document)];

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("GET", "/v1/admin/documents", DOCUMENTS, || web::to(list))
        .ids(&[(Place::Query("library"), IdKind::Library)]),
    RouteRule::new("DELETE", "/v1/admin/documents/{id}", DOCUMENTS, || web::to(delete)).ids(ID),
    RouteRule::new("PUT", "/v1/admin/documents/{id}/rules", DOCUMENTS, || web::to(set_rules))
        .ids(&[(Place::Path("id"), IdKind::Document), (Place::Body, IdKind::Group), (Place::Body, IdKind::User)])
        .sends(Sends::Json(
            r#"{"rules":[{"effect":"allow","who":{"all_of":["$group"]}},{"effect":"deny","who":{"user":"$user"}}]}"#,
        )),
];

/// A document's own rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DocumentRules {
    /// `null` gives the document back to its library's rules.
    // Without this, a body without `rules` would silently open or close the document.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    rules: Option<Vec<Rule>>,
}

/// List documents
///
/// All of the tenant's or of one library, a page at a time. Managing a document is not reading
/// it: the text is not among what this shows.
#[utoipa::path(get, path = "/v1/admin/documents", tag = "Documents", params(DocumentParams),
    responses((status = 200, description = "A page of documents.", body = Page<DocumentInfo>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<DocumentParams>) -> Reply {
    let DocumentParams { library, after, limit } = params.0;
    match library {
        Some(library) => limits::library(&caller.scope, library)?,
        None => limits::unlimited(&caller.scope, "name one of them in `library`")?,
    }
    let page = documents::list(&caller.scope, &state.store, library, &Cursor { after, limit }).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Delete a document
///
/// With all versions, vectors, files and the quotes in stored answers. The reply counts what went.
#[utoipa::path(delete, path = "/v1/admin/documents/{id}", tag = "Documents", params(("id" = DocumentId, Path, description = "The document.")),
    responses((status = 200, description = "Deleted.", body = DeleteReceipt)))]
async fn delete(state: web::Data<State>, caller: Caller, id: Id<DocumentId>) -> Reply {
    limits::document(&state, &caller.scope, id.0).await?;
    Ok(HttpResponse::Ok().json(state.ingest.delete(&caller.scope, id.0).await?))
}

/// Give a document rules of its own
///
/// They hold instead of its library's, from the epoch in the reply on. Nothing is indexed again.
#[utoipa::path(put, path = "/v1/admin/documents/{id}/rules", tag = "Documents", params(("id" = DocumentId, Path, description = "The document.")),
    request_body = DocumentRules, responses((status = 200, description = "Changed.", body = Receipt)))]
async fn set_rules(state: web::Data<State>, caller: Caller, id: Id<DocumentId>, body: Body<DocumentRules>) -> Reply {
    limits::document(&state, &caller.scope, id.0).await?;
    limits::rules(body.0.rules.as_deref().unwrap_or_default())?;
    let receipt = policies::set_own(&caller.scope, &state.store, id.0, body.0.rules).await?;
    // Postgres decides already by the new rules; this only lets the vector index find the document
    // for its new readers. Failing here hides, never shows, and the same call again repairs it.
    state.ingest.retag(&caller.scope, id.0).await.map_err(|error| {
        let detail = "The new rules hold, but new readers may not find the document yet. Send the same call again.";
        Error::unavailable(detail, error.retry_after.unwrap_or(2)).because(error)
    })?;
    Ok(HttpResponse::Ok().json(receipt))
}
