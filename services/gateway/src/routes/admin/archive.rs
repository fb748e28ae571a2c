//! A form whose file is an archive: each file in it becomes a document.

use super::form::{FEW, Form};
use super::upload::{UploadedFile, ends_all, told};
use crate::state::State;
use crate::unpack::{self, Archive, Bounds};
use fuente_contract::document::Priority;
use fuente_contract::ingest::Upload;
use fuente_contract::{Error, Result, Scope};
use fuente_wire::problem::Reply;

/// Takes the archive to the disk and looks through it; only then its files are taken, one by one.
pub(super) async fn post(state: &State, scope: &Scope, mut form: Form<'_>, priority: Option<Priority>) -> Reply {
    let (all, archive) = opened(state, &mut form).await?;
    let (entries, mut streams) = archive.unpack();
    let taken = entries.iter().filter(|entry| entry.path.is_ok()).count();
    if taken == 0 && entries.iter().all(|entry| entry.path.as_ref().is_err_and(|reason| reason.detail().is_none())) {
        return Err(Error::invalid("The archive holds no file that could become a document.").into());
    }
    let many = if taken > FEW { Priority::Bulk } else { Priority::Interactive };
    let all = Upload { priority: priority.unwrap_or(many), ..all };
    let mut files = Vec::new();
    let mut broken = None;
    for entry in entries {
        let path = match &entry.path {
            Ok(path) => path.clone(),
            Err(reason) => {
                let reason = *reason;
                files.push(UploadedFile::left_out(entry, reason));
                continue;
            }
        };
        let Some(bytes) = streams.recv().await else {
            broken = Some(Error::internal("the archive ended before its last file"));
            break;
        };
        let file_name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let upload = Upload { external_id: path.clone(), file_name: file_name.clone(), ..all.clone() };
        let result = state.ingest.accept(scope, upload, bytes).await;
        broken = result.as_ref().err().filter(|error| ends_all(error.code)).cloned();
        files.push(UploadedFile::new(file_name, Some(path), result));
        if broken.is_some() {
            break;
        }
    }
    told(files, broken)
}

/// What holds for all files, and the archive. Nothing was taken of it yet.
async fn opened(state: &State, form: &mut Form<'_>) -> Result<(Upload, Archive)> {
    let file = form.next().await?.ok_or_else(|| Error::invalid("The form has no `file`."))?;
    let (described, field) = file.split();
    let (all, saved) =
        form.take(field, described, async |upload, bytes| Ok((upload, unpack::save(bytes).await?))).await?;
    // What follows the archive would be refused: then nothing of it is taken either.
    form.next().await?;
    let settings = &state.settings.gateway;
    let bounds = Bounds {
        entries: settings.max_archive_entries,
        all: settings.max_unpacked_bytes,
        each: settings.max_upload_bytes,
    };
    Ok((all, Archive::open(saved, bounds).await?))
}
