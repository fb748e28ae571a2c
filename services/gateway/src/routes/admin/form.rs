//! Reads the form of an upload: its fields into what is known of the file, the file as a stream.

use super::limits;
use crate::routes::params;
use actix_multipart::{Field, Multipart};
use bytes::Bytes;
use fuente_contract::ingest::Upload;
use fuente_contract::{Error, LibraryId, Result};
use fuente_wire::upload::broken_off;
use futures_util::{Stream, StreamExt};
use std::collections::HashMap;

/// Bytes of a form beside its file: fields and boundaries.
pub(super) const SLACK: u64 = 64 * 1024;

const FIELDS: [&str; 4] = ["library", "external_id", "title", "rules"];

/// The fields, and the file that follows them.
pub(super) async fn read(mut parts: Multipart) -> Result<(Upload, impl Stream<Item = Result<Bytes>>)> {
    let mut fields: HashMap<&'static str, String> = HashMap::new();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| Error::invalid(format!("The form is not valid: {error}.")))?;
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            let sent_name =
                part.content_disposition().and_then(|disposition| disposition.get_filename()).unwrap_or_default();
            let upload = describe(&fields, sent_name)?;
            return Ok((upload, file(part, parts)));
        }
        let known = FIELDS.iter().find(|known| **known == name);
        let known = known.ok_or_else(|| Error::invalid(format!("The form has no field `{name}`; it has `library`, `external_id`, `title`, `rules`, and `file` as the last.")))?;
        if fields.insert(known, text(part).await?).is_some() {
            return Err(Error::invalid(format!("The field `{name}` comes twice.")));
        }
    }
    Err(Error::invalid("The form has no `file`."))
}

fn describe(fields: &HashMap<&str, String>, sent_name: &str) -> Result<Upload> {
    let library =
        fields.get("library").ok_or_else(|| Error::invalid("The field `library` must come before the file."))?;
    let library: LibraryId = params::parse(library)?;
    let file_name = file_name(sent_name)?;
    let external_id = limits::text("external_id", fields.get("external_id").map_or(&file_name, |id| id), 500)?;
    let title = fields.get("title").map(|title| limits::text("title", title, 500)).transpose()?;
    let rules: Option<Vec<_>> = match fields.get("rules") {
        Some(json) => Some(
            serde_json::from_str(json)
                .map_err(|error| Error::invalid(format!("`rules` is not a valid list of rules: {error}.")))?,
        ),
        None => None,
    };
    limits::rules(rules.as_deref().unwrap_or_default())?;
    Ok(Upload { library, external_id, file_name, title, rules })
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

/// The file's bytes. A field after the file was not read when the upload was described, so it
/// makes the whole upload fail instead of being dropped in silence.
fn file(mut part: Field, mut parts: Multipart) -> impl Stream<Item = Result<Bytes>> {
    async_stream::stream! {
        while let Some(chunk) = part.next().await {
            yield chunk.map_err(broken_off);
        }
        drop(part);
        match parts.next().await {
            None => {}
            Some(Ok(_)) => yield Err(Error::invalid("`file` must be the last field of the form.")),
            Some(Err(error)) => yield Err(broken_off(error)),
        }
    }
}
