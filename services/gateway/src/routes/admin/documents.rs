//! Documents as their managers see them.

use super::super::door::Caller;
use super::super::params::{self, ListParams};
use super::super::table::{IdKind, Place, RouteRule, Sends};
use super::{DOCUMENTS, limits};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::access::{Receipt, Rule};
use fuente_contract::document::{DeleteReceipt, Priority};
use fuente_contract::ingest::Accepted;
use fuente_contract::manage::{DocumentState, ManagedDocument, VersionInfo};
use fuente_contract::{Cursor, DocumentId, Error, LibraryId, Page};
use fuente_store::managed::{self, DocumentFilter};
use fuente_store::{jobs, policies};
use fuente_wire::problem::Reply;
use fuente_wire::{Body, Id, Params};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::{IntoParams, ToSchema};

const ID: &[(Place, IdKind)] = &[(Place::Path("id"), IdKind::Document)];

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("GET", "/v1/admin/documents", DOCUMENTS, || web::to(list))
        .ids(&[(Place::Query("library"), IdKind::Library)]),
    RouteRule::new("GET", "/v1/admin/documents/{id}/versions", DOCUMENTS, || web::to(versions)).ids(ID),
    RouteRule::new("POST", "/v1/admin/documents/{id}/reingest", DOCUMENTS, || web::to(reingest)).ids(ID),
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

/// Which documents to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ManagedParams {
    /// Only this library.
    #[serde(default, deserialize_with = "params::some_id")]
    library: Option<LibraryId>,
    /// Only documents that stand like this.
    state: Option<DocumentState>,
    /// Only those with this text in their title or external id, in any case.
    text: Option<String>,
    /// Only those whose metadata has these entries, as a JSON object of texts.
    metadata: Option<String>,
    /// Only those that changed at this time or later (RFC 3339).
    updated_since: Option<String>,
    /// `next` of the page before; leave out for the first page.
    #[serde(default, deserialize_with = "params::after")]
    after: Option<String>,
    /// Rows wanted, 1 to 200; 50 if left out.
    #[serde(default, deserialize_with = "params::limit")]
    limit: Option<u32>,
}

/// List documents
///
/// All of the tenant's, or those that fit every filter given, a page at a time. Managing a
/// document is not reading it: the text is not among what this shows.
#[utoipa::path(get, path = "/v1/admin/documents", tag = "Documents", params(ManagedParams),
    responses((status = 200, description = "A page of documents.", body = Page<ManagedDocument>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<ManagedParams>) -> Reply {
    let ManagedParams { library, state: stands, text, metadata, updated_since, after, limit } = params.0;
    match library {
        Some(library) => limits::library(&caller.scope, library)?,
        None => limits::unlimited(&caller.scope, "name one of them in `library`")?,
    }
    let filter = DocumentFilter {
        library,
        state: stands,
        text: text.map(|text| limits::text("text", &text, 200)).transpose()?,
        metadata: metadata.as_deref().map(limits::metadata_in).transpose()?,
        updated_since: updated_since.as_deref().map(time_in).transpose()?,
    };
    let page = managed::list(&caller.scope, &state.store, &filter, &Cursor { after, limit }).await?;
    Ok(HttpResponse::Ok().json(page))
}

fn time_in(text: &str) -> Result<OffsetDateTime, Error> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| Error::invalid("`updated_since` is not a time such as 2026-11-23T08:00:00Z."))
}

/// List a document's versions
///
/// The newest first, a page at a time.
#[utoipa::path(get, path = "/v1/admin/documents/{id}/versions", tag = "Documents", params(("id" = DocumentId, Path, description = "The document."), ListParams),
    responses((status = 200, description = "A page of versions.", body = Page<VersionInfo>)))]
async fn versions(state: web::Data<State>, caller: Caller, id: Id<DocumentId>, params: Params<ListParams>) -> Reply {
    limits::document(&state, &caller.scope, id.0).await?;
    Ok(HttpResponse::Ok().json(managed::versions(&caller.scope, &state.store, id.0, &params.0.into()).await?))
}

/// How soon to read it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReingestParams {
    /// `bulk` where many documents are read again: it goes after what somebody waits for.
    #[serde(default)]
    priority: Priority,
}

/// Read a document's original again
///
/// Makes a new version of the newest one's original, as after a change of settings, or once
/// a program for reading scans is installed. What answers goes on answering meanwhile.
#[utoipa::path(post, path = "/v1/admin/documents/{id}/reingest", tag = "Documents", params(("id" = DocumentId, Path, description = "The document."), ReingestParams),
    responses((status = 202, description = "Accepted, as after an upload.", body = Accepted)))]
async fn reingest(
    state: web::Data<State>,
    caller: Caller,
    id: Id<DocumentId>,
    params: Params<ReingestParams>,
) -> Reply {
    limits::document(&state, &caller.scope, id.0).await?;
    let most = state.settings.ingest.tenant_waiting;
    jobs::room(&caller.scope, &state.store, params.0.priority, most).await?;
    Ok(HttpResponse::Accepted().json(managed::reingest(&caller.scope, &state.store, id.0, params.0.priority).await?))
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
