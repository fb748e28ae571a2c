//! The documents that the caller may read.

use super::door::Caller;
use super::table::{Answers, IdKind, Key, Place, READ, RouteRule, Rule};
use super::{download, params};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::access::Explanation;
use fuente_contract::document::{DocumentInfo, DocumentText};
use fuente_contract::{Cursor, DocumentId, Error, LibraryId, Page, VersionId};
use fuente_store::{access, documents};
use fuente_wire::problem::Reply;
use fuente_wire::{Id, Params};
use serde::Deserialize;
use utoipa::IntoParams;

const KEY: Rule = Rule::SignedIn(Key::Scope(READ));

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("GET", "/v1/documents", KEY, || web::to(list)).ids(&[(Place::Query("library"), IdKind::Library)]),
    RouteRule::new("GET", "/v1/documents/{id}", KEY, || web::to(show)).ids(&[(Place::Path("id"), IdKind::Document)]),
    RouteRule::new("GET", "/v1/documents/{id}/text", KEY, || web::to(text))
        .ids(&[(Place::Path("id"), IdKind::Document), (Place::Query("version"), IdKind::Version)]),
    RouteRule::new("GET", "/v1/documents/{id}/original", KEY, || web::to(original))
        .ids(&[(Place::Path("id"), IdKind::Document), (Place::Query("version"), IdKind::Version)])
        .answers(Answers::File),
    RouteRule::new("GET", "/v1/documents/{id}/access", KEY, || web::to(explain))
        .ids(&[(Place::Path("id"), IdKind::Document)]),
];

/// Which documents to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DocumentParams {
    /// Only this library.
    #[serde(default, deserialize_with = "params::some_id")]
    library: Option<LibraryId>,
    /// `next` of the page before; leave out for the first page.
    #[serde(default, deserialize_with = "params::after")]
    after: Option<String>,
    /// Rows wanted, 1 to 200; 50 if left out.
    #[serde(default, deserialize_with = "params::limit")]
    limit: Option<u32>,
}

/// Which text to return.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TextParams {
    /// A version that an older citation points into; the current one if left out.
    #[serde(default, deserialize_with = "params::some_id")]
    version: Option<VersionId>,
    /// Offset of the first character wanted; the first one's if left out.
    from: Option<u32>,
    /// Offset after the last character wanted; the end if left out.
    to: Option<u32>,
}

/// Which original to return.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OriginalParams {
    /// A version that an older citation points into; the current one if left out.
    #[serde(default, deserialize_with = "params::some_id")]
    version: Option<VersionId>,
}

/// List readable documents
///
/// Every document that the caller may read now, a page at a time.
#[utoipa::path(get, path = "/v1/documents", tag = "Reading", params(DocumentParams),
    responses((status = 200, description = "A page of documents.", body = Page<DocumentInfo>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<DocumentParams>) -> Reply {
    let DocumentParams { library, after, limit } = params.0;
    let page = documents::readable_list(&caller.scope, &state.store, library, &Cursor { after, limit }).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Show a document
#[utoipa::path(get, path = "/v1/documents/{id}", tag = "Reading", params(("id" = DocumentId, Path, description = "The document.")),
    responses((status = 200, description = "The document.", body = DocumentInfo)))]
async fn show(state: web::Data<State>, caller: Caller, id: Id<DocumentId>) -> Reply {
    Ok(HttpResponse::Ok().json(documents::get(&caller.scope, &state.store, id.0).await?))
}

/// Read a document's text
///
/// The canonical text that every citation points into, with the starts of its pages. Offsets
/// count characters (Unicode scalar values). `from` and `to` cut a part out of it, as far as it
/// reaches; the pages stay those of the whole.
#[utoipa::path(get, path = "/v1/documents/{id}/text", tag = "Reading", params(("id" = DocumentId, Path, description = "The document."), TextParams),
    responses((status = 200, description = "The text.", body = DocumentText)))]
async fn text(state: web::Data<State>, caller: Caller, id: Id<DocumentId>, params: Params<TextParams>) -> Reply {
    let TextParams { version, from, to } = params.0;
    let from = from.unwrap_or(0);
    if to.is_some_and(|to| to < from) {
        return Err(Error::invalid("`to` must not lie before `from`.").into());
    }
    Ok(HttpResponse::Ok().json(documents::text_range(&caller.scope, &state.store, id.0, version, from, to).await?))
}

/// Download a document's original
///
/// The file as it was uploaded, for those who may read the document: always as a file to save,
/// never as a page that the browser would show.
#[utoipa::path(get, path = "/v1/documents/{id}/original", tag = "Reading", params(("id" = DocumentId, Path, description = "The document."), OriginalParams),
    responses((status = 200, description = "The file.", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn original(
    state: web::Data<State>,
    caller: Caller,
    id: Id<DocumentId>,
    params: Params<OriginalParams>,
) -> Reply {
    let (original, bytes) = state.ingest.original(&caller.scope, id.0, params.0.version).await?;
    Ok(download::response(&original, bytes))
}

/// Explain why the caller may read a document
///
/// Names the rule that lets the caller in, and the chain of groups by which it applies. A
/// document that the caller may not read answers as if it did not exist.
#[utoipa::path(get, path = "/v1/documents/{id}/access", tag = "Reading", params(("id" = DocumentId, Path, description = "The document.")),
    responses((status = 200, description = "The explanation.", body = Explanation)))]
async fn explain(state: web::Data<State>, caller: Caller, id: Id<DocumentId>) -> Reply {
    documents::get(&caller.scope, &state.store, id.0).await?;
    let explanation = access::explain(&caller.scope, &state.store, caller.scope.user(), id.0).await?;
    Ok(HttpResponse::Ok().json(explanation))
}
