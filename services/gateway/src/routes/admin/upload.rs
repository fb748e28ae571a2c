//! Uploads: a form with files, or the bytes of a file under the caller's own name for it.

use super::super::door::Caller;
use super::super::params;
use super::super::table::{IdKind, Place, RouteRule, Sends};
use super::{DOCUMENTS, archive, form, limits};
use crate::state::State;
use crate::unpack::{Entry, LeftOut};
use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use fuente_contract::document::Priority;
use fuente_contract::ingest::{Accepted, Upload};
use fuente_contract::{DocumentId, Error, ErrorCode, JobId, LibraryId, Result, VersionId};
use fuente_wire::ProblemBody;
use fuente_wire::problem::{MEDIA_TYPE, Reply, log};
use fuente_wire::upload::{self, broken_off, too_large};
use fuente_wire::{Id, Params};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("POST", "/v1/admin/documents", DOCUMENTS, || web::to(post))
        .ids(&[(Place::Body, IdKind::Library), (Place::Body, IdKind::Group)])
        .sends(Sends::Form(
            "library=$library\nexternal_id=handbook\nrules=[{\"effect\":\"allow\",\"who\":{\"all_of\":[\"$group\"]}}]\nmetadata={\"year\":\"2026\"}",
        )),
    RouteRule::new("PUT", "/v1/admin/libraries/{id}/documents/{external_id}", DOCUMENTS, || web::to(put))
        .ids(&[(Place::Path("id"), IdKind::Library), (Place::Path("external_id"), IdKind::External)])
        .sends(Sends::Bytes),
];

/// The form: `library` first, then the files, each after the fields that are its own. `rules` and
/// `metadata` hold for every file after them, until they are given again.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the form, which is read part by part so that files can stream")]
struct UploadForm {
    /// The library to put them into.
    library: LibraryId,
    /// The caller's own name for the next file; the same name again makes a new version. The file's name if left out. Not with `unpack`.
    external_id: Option<String>,
    /// The next file's title; its own, else the file's name, if left out.
    title: Option<String>,
    /// Rules of the documents' own, as a JSON list; the library's if left out, or `null`.
    rules: Option<String>,
    /// What is to be remembered of the documents, as a JSON object of texts; what they have if left out.
    metadata: Option<String>,
    /// May come many times.
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
    /// Rules of the document's own, as a JSON list; those it has, else the library's, if left out.
    rules: Option<String>,
    /// What is to be remembered of it, as a JSON object of texts; what it has if left out.
    metadata: Option<String>,
    /// `bulk` for one file of many: it goes after the files that somebody waits for.
    #[serde(default)]
    priority: Priority,
}

/// What holds for all files of a form.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PostParams {
    /// `bulk` for files that nobody waits for: they go after those that somebody does. If left out,
    /// the first ten files of a form are `interactive` and the rest is `bulk`; the files of an
    /// archive are `bulk` where there are more than ten.
    priority: Option<Priority>,
    /// The form's one file is a ZIP archive, and each file in it becomes a document.
    #[serde(default)]
    unpack: bool,
}

/// What became of a file.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It is stored, and a job makes it searchable.
    Accepted,
    /// The same bytes were there already.
    Unchanged,
    /// `problem` says why; the other files are not touched by it.
    Refused,
    /// A file of an archive that was left out on purpose; `reason` says why.
    Skipped,
}

/// A file of a form or of an archive, and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct UploadedFile {
    /// Of a file that an archive holds and that was left out: its name there.
    file_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<DocumentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<VersionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    /// Why a file of an archive becomes no document.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<LeftOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Error>,
}

impl UploadedFile {
    pub(super) fn new(file_name: String, external_id: Option<String>, result: Result<Accepted, Error>) -> Self {
        let mut file = Self {
            file_name,
            external_id,
            outcome: Outcome::Refused,
            document: None,
            version: None,
            job: None,
            reason: None,
            problem: None,
        };
        match result {
            Ok(accepted) => {
                file.outcome = if accepted.unchanged { Outcome::Unchanged } else { Outcome::Accepted };
                (file.document, file.version) = (Some(accepted.document), Some(accepted.version));
                file.job = accepted.job;
            }
            Err(error) => file.problem = Some(error),
        }
        file
    }

    /// A file of an archive that becomes no document.
    pub(super) fn left_out(entry: Entry, reason: LeftOut) -> Self {
        let problem = reason.detail().map(Error::invalid);
        let outcome = if problem.is_some() { Outcome::Refused } else { Outcome::Skipped };
        let none = Error::invalid("It was left out.");
        Self { outcome, reason: Some(reason), problem, ..Self::new(entry.name, None, Err(none)) }
    }

    fn is_taken(&self) -> bool {
        matches!(self.outcome, Outcome::Accepted | Outcome::Unchanged)
    }
}

/// What became of each file, in the order of the form.
#[derive(Serialize, ToSchema)]
struct Uploaded {
    files: Vec<UploadedFile>,
}

/// Upload documents
///
/// A form of one file or many: `library` first, and each file after the fields that are its own.
/// Each file becomes a document with an outcome of its own, so that a bad one loses nothing; its
/// job then extracts, embeds and publishes it. The same bytes again change nothing.
///
/// With `unpack=true` the form's one file is a ZIP archive, and each file in it becomes a document:
/// its path in the archive is its external id, the form's rules and metadata hold for all of them.
/// The whole archive is looked through before anything is taken of it, so that one that unpacks to
/// too much (`too_large`) or is no ZIP (`invalid_request`) leaves nothing behind. Hidden files are
/// skipped; links, devices, absolute paths, paths that lead out, paths that come twice, and what is
/// encrypted, damaged or too large are refused, each with a `reason`. A ZIP inside stays one document.
///
/// Where no file was taken, or the form itself breaks a rule half way (too large in all, a field
/// that nothing knows), the reply is a problem; its `files` then name those that were taken before.
#[utoipa::path(post, path = "/v1/admin/documents", tag = "Documents", params(PostParams), request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "What is accepted survives a crash from here on.", body = Uploaded)))]
async fn post(
    req: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    params: Params<PostParams>,
    parts: Multipart,
) -> Reply {
    let limit = state.settings.gateway.max_upload_bytes;
    announced(&req, limit)?;
    let mut form = form::Form::new(parts, &caller.scope, limit, params.0.priority);
    if params.0.unpack {
        return archive::post(&state, &caller.scope, form.of_an_archive(), params.0.priority).await;
    }
    let mut files = Vec::new();
    let broken = loop {
        let file = match form.next().await {
            Ok(Some(file)) => file,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        let (name, external_id) = (file.name.clone(), file.external_id.clone());
        let (upload, field) = file.split();
        let result = form.take(field, upload, |upload, bytes| state.ingest.accept(&caller.scope, upload, bytes)).await;
        let stop = result.as_ref().err().filter(|error| ends_all(error.code)).cloned();
        files.push(UploadedFile::new(name, external_id, result));
        if stop.is_some() {
            break stop;
        }
    };
    told(files, broken)
}

/// Whether a file's fault is none of the file's: the next one would meet it too, or cannot be read.
pub(super) fn ends_all(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::TooLarge
            | ErrorCode::RateLimited
            | ErrorCode::Unavailable
            | ErrorCode::InsufficientStorage
            | ErrorCode::Internal
    )
}

/// The reply to a form: outcomes where something was taken and nothing broke, else the problem.
pub(super) fn told(files: Vec<UploadedFile>, broken: Option<Error>) -> Reply {
    let taken = files.iter().any(UploadedFile::is_taken);
    let refused = if taken { None } else { files.iter().find_map(|file| file.problem.clone()) };
    let Some(fault) = broken.or(refused) else {
        for problem in files.iter().filter_map(|file| file.problem.as_ref()) {
            log(problem);
        }
        return Ok(HttpResponse::Accepted().json(Uploaded { files }));
    };
    if files.len() <= 1 && !taken {
        return Err(fault.into());
    }
    log(&fault);
    let status = StatusCode::from_u16(fault.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = serde_json::to_value(ProblemBody::from(&fault)).map_err(Error::internal)?;
    body["files"] = serde_json::to_value(files).map_err(Error::internal)?;
    let mut reply = HttpResponse::build(status);
    if let Some(seconds) = fault.retry_after {
        reply.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    Ok(reply.content_type(MEDIA_TYPE).body(body.to_string()))
}

/// Put a document
///
/// The body is the file. Under an external id that exists it becomes the new version. Rules and
/// metadata given with it hold at once, even where the bytes are the same.
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
    let rules = params.0.rules.as_deref().map(limits::rules_in).transpose()?.flatten();
    let metadata = params.0.metadata.as_deref().map(limits::metadata_in).transpose()?;
    let upload = Upload { library, external_id, file_name, title, rules, metadata, priority: params.0.priority };
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
