//! Uploads: a form with a file, or the bytes of a file under the caller's own name for it.

use super::super::door::Caller;
use super::super::params;
use super::super::table::{IdKind, Place, RouteRule, Sends};
use super::{DOCUMENTS, form, limits};
use crate::state::State;
use actix_multipart::Multipart;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpRequest, HttpResponse, web};
use fuente_contract::ingest::{Accepted, Upload};
use fuente_contract::{LibraryId, Result};
use fuente_wire::problem::Reply;
use fuente_wire::upload::{self, broken_off, too_large};
use fuente_wire::{Id, Params};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("POST", "/v1/admin/documents", DOCUMENTS, || web::to(post))
        .ids(&[(Place::Body, IdKind::Library), (Place::Body, IdKind::Group)])
        .sends(Sends::Form(
            "library=$library\nexternal_id=handbook\nrules=[{\"effect\":\"allow\",\"who\":{\"all_of\":[\"$group\"]}}]",
        )),
    RouteRule::new("PUT", "/v1/admin/libraries/{id}/documents/{external_id}", DOCUMENTS, || web::to(put))
        .ids(&[(Place::Path("id"), IdKind::Library), (Place::Path("external_id"), IdKind::External)])
        .sends(Sends::Bytes),
];

/// The form. The file comes last.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the form, which is read field by field so that the file can stream")]
struct UploadForm {
    /// The library to put it into.
    library: LibraryId,
    /// The caller's own name for the document; the same name again makes a new version. The file's name if left out.
    external_id: Option<String>,
    /// The document's title; its own, else the file's name, if left out.
    title: Option<String>,
    /// Rules of the document's own, as a JSON list; the library's if left out.
    rules: Option<String>,
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// What is known of the bytes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PutParams {
    /// Name of the file, a hint of its format; the external id if left out.
    file_name: Option<String>,
    /// The document's title.
    title: Option<String>,
}

/// Upload a document
///
/// A form with the fields first and the file last. The reply comes as soon as the file is safe;
/// the job then extracts, embeds and publishes it. The same bytes again change nothing.
#[utoipa::path(post, path = "/v1/admin/documents", tag = "Documents", request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "Accepted: it survives a crash from here on.", body = Accepted)))]
async fn post(req: HttpRequest, state: web::Data<State>, caller: Caller, parts: Multipart) -> Reply {
    let limit = state.settings.gateway.max_upload_bytes;
    announced(&req, limit)?;
    let (upload, file) = form::read(parts).await?;
    limits::library(&caller.scope, upload.library)?;
    let accepted = upload::through(file, limit, |bytes| state.ingest.accept(&caller.scope, upload, bytes)).await?;
    Ok(HttpResponse::Accepted().json(accepted))
}

/// Put a document
///
/// The body is the file. Under an external id that exists it becomes the new version.
#[utoipa::path(put, path = "/v1/admin/libraries/{id}/documents/{external_id}", tag = "Documents",
    params(("id" = LibraryId, Path, description = "The library."), ("external_id" = String, Path, description = "The caller's own name for the document, percent-encoded."), PutParams),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 202, description = "Accepted: it survives a crash from here on.", body = Accepted)))]
async fn put(
    req: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    id: Id<(String, String)>,
    params: Params<PutParams>,
    body: web::Payload,
) -> Reply {
    let limit = state.settings.gateway.max_upload_bytes;
    announced(&req, limit)?;
    let (library, external_id) = id.0;
    let library: LibraryId = params::parse(&library)?;
    limits::library(&caller.scope, library)?;
    let external_id = limits::text("external_id", &external_id, 500)?;
    let file_name = form::file_name(params.0.file_name.as_deref().unwrap_or(&external_id))?;
    let title = params.0.title.map(|title| limits::text("title", &title, 500)).transpose()?;
    let upload = Upload { library, external_id, file_name, title, rules: None };
    let file = body.map(|chunk| chunk.map_err(broken_off));
    let accepted = upload::through(file, limit, |bytes| state.ingest.accept(&caller.scope, upload, bytes)).await?;
    Ok(HttpResponse::Accepted().json(accepted))
}

/// Refuses a body that says beforehand that it is too large. The form's own fields get some slack.
fn announced(req: &HttpRequest, limit: u64) -> Result<()> {
    let length = req
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    match length {
        Some(length) if length > limit.saturating_add(form::SLACK) => Err(too_large(limit)),
        _ => Ok(()),
    }
}
