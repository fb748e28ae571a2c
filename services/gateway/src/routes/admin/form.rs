//! Reads the form of an upload, part by part: fields into what is known of the next file, and the
//! file as a stream, so that a form of many files takes no more memory than one chunk.

use super::limits;
use crate::routes::params;
use actix_multipart::{Field, Multipart};
use bytes::Bytes;
use fuente_contract::access::Rule;
use fuente_contract::document::Priority;
use fuente_contract::ingest::{ByteStream, Upload};
use fuente_contract::manage::Metadata;
use fuente_contract::{Error, LibraryId, Result, Scope};
use fuente_wire::upload::{self, broken_off, too_large};
use futures_util::StreamExt;
use std::collections::BTreeSet;

/// Bytes of a form beside its file: one field, or all boundaries.
pub(super) const SLACK: u64 = 64 * 1024;

/// Most files in one form.
const FILES: usize = 1000;

/// Files of a form that count as what somebody waits for, where the call says nothing of it.
pub(super) const FEW: usize = 10;

const FIELDS: [&str; 5] = ["library", "external_id", "title", "rules", "metadata"];

/// A form that is being read.
pub(super) struct Form<'a> {
    parts: Multipart,
    scope: &'a Scope,
    limit: u64,
    /// Bytes of files that may still come.
    left: u64,
    files: usize,
    priority: Option<Priority>,
    /// Whether its file is an archive, whose files bring their own names.
    archive: bool,
    library: Option<LibraryId>,
    // These two hold until they are given again. A faulty one refuses the files it would hold for.
    rules: Result<Option<Vec<Rule>>>,
    metadata: Result<Option<Metadata>>,
}

/// The next file of a form: its name, what is known of it (or why it is refused), and its bytes.
pub(super) struct FormFile {
    pub(super) name: String,
    pub(super) external_id: Option<String>,
    pub(super) described: Result<Upload>,
    field: Field,
}

impl<'a> Form<'a> {
    /// `limit` counts the bytes of all files together.
    pub(super) fn new(parts: Multipart, scope: &'a Scope, limit: u64, priority: Option<Priority>) -> Self {
        Self {
            parts,
            scope,
            limit,
            left: limit,
            files: 0,
            priority,
            archive: false,
            library: None,
            rules: Ok(None),
            metadata: Ok(None),
        }
    }

    /// The form whose one file is an archive.
    pub(super) fn of_an_archive(self) -> Self {
        Self { archive: true, ..self }
    }

    /// Reads up to the next file; none at the form's end.
    ///
    /// # Errors
    /// What is wrong with the form itself: no file after this can be told for what it is.
    pub(super) async fn next(&mut self) -> Result<Option<FormFile>> {
        let (mut external_id, mut title, mut seen) = (None, None, BTreeSet::new());
        while let Some(part) = self.parts.next().await {
            let part = part.map_err(|error| Error::invalid(format!("The form is not valid: {error}.")))?;
            let name = part.name().unwrap_or_default().to_owned();
            if name == "file" {
                self.files += 1;
                if self.archive && self.files > 1 {
                    return Err(Error::invalid("A form with `unpack` has one file, the archive."));
                }
                if self.files > FILES {
                    return Err(Error::invalid(format!("A form may have {FILES} files at most.")));
                }
                return self.file(part, external_id, title).map(Some);
            }
            let known = FIELDS.into_iter().find(|known| *known == name);
            let known = known.ok_or_else(|| {
                Error::invalid(format!(
                    "The form has no field `{name}`; it has `library`, then for each file `external_id`, `title`, `rules`, `metadata`, and `file` as the last."
                ))
            })?;
            if !seen.insert(known) || (known == "library" && self.library.is_some()) {
                return Err(Error::invalid(format!("The field `{known}` comes twice.")));
            }
            let value = text(part).await?;
            match known {
                "library" => {
                    let library = params::parse(&value)?;
                    limits::library(self.scope, library)?;
                    self.library = Some(library);
                }
                "external_id" => external_id = Some(value),
                "title" => title = Some(value),
                "rules" => self.rules = limits::rules_in(&value),
                _ => self.metadata = limits::metadata_in(&value).map(Some),
            }
        }
        match (self.files, seen.is_empty()) {
            (0, _) => Err(Error::invalid("The form has no `file`.")),
            (_, true) => Ok(None),
            (_, false) => {
                Err(Error::invalid("The form's last fields belong to no file: the fields of a file come before it."))
            }
        }
    }

    fn file(&self, field: Field, external_id: Option<String>, title: Option<String>) -> Result<FormFile> {
        let sent = field.content_disposition().and_then(|disposition| disposition.get_filename()).unwrap_or_default();
        let library = self.library.ok_or_else(|| Error::invalid("The field `library` must come before the file."))?;
        let name = file_name(sent);
        if self.archive && (external_id.is_some() || title.is_some()) {
            return Err(Error::invalid(
                "A form with `unpack` has no `external_id` and no `title`: the archive's files have their own names.",
            ));
        }
        let described = name.clone().and_then(|file_name| {
            let external_id = limits::text("external_id", external_id.as_deref().unwrap_or(&file_name), 500)?;
            let title = title.map(|title| limits::text("title", &title, 500)).transpose()?;
            let (rules, metadata) = (self.rules.clone()?, self.metadata.clone()?);
            let many = if self.files > FEW { Priority::Bulk } else { Priority::Interactive };
            let priority = self.priority.unwrap_or(many);
            Ok(Upload { library, external_id, file_name, title, rules, metadata, priority })
        });
        let external_id = described.as_ref().map_or(external_id, |upload| Some(upload.external_id.clone()));
        Ok(FormFile { name: name.unwrap_or_default(), external_id, described, field })
    }

    /// Runs `accept` on the file's bytes. Whatever comes of it, the file is read to its end, so
    /// that the one after it can be read.
    ///
    /// # Errors
    /// `TooLarge` once the form's files are larger than they may be together; else what is wrong
    /// with this file.
    pub(super) async fn take<F, T>(
        &mut self,
        field: Field,
        upload: Result<Upload>,
        accept: impl FnOnce(Upload, ByteStream) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        // A field must not be asked again after its end.
        let mut field = field.fuse();
        let mut read = 0_u64;
        let taken = match upload {
            Ok(upload) => {
                let bytes = field.by_ref().map(|chunk| counted(chunk, &mut read));
                upload::through(bytes, self.left, |bytes| accept(upload, bytes)).await
            }
            Err(error) => Err(error),
        };
        if taken.is_err() {
            while read <= self.left
                && let Some(chunk) = field.next().await
            {
                counted(chunk, &mut read)?;
            }
        }
        if read > self.left {
            return Err(too_large(self.limit));
        }
        self.left -= read;
        taken
    }
}

impl FormFile {
    /// The parts that [`Form::take`] needs.
    pub(super) fn split(self) -> (Result<Upload>, Field) {
        (self.described, self.field)
    }
}

fn counted<E: std::fmt::Display>(chunk: std::result::Result<Bytes, E>, read: &mut u64) -> Result<Bytes> {
    let chunk = chunk.map_err(broken_off)?;
    *read += chunk.len() as u64;
    Ok(chunk)
}

/// The last part of a path, since some senders give the whole path of the file on their machine.
pub(super) fn file_name(sent: &str) -> Result<String> {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    limits::text("file name", name, 255)
}

async fn text(mut part: Field) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.next().await {
        bytes.extend_from_slice(&chunk.map_err(broken_off)?);
        if bytes.len() as u64 > SLACK {
            return Err(Error::invalid("A field of the form is too long."));
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid("A field of the form is not UTF-8."))
}
