//! `fuente ingest FILE.zip --unpack`: an archive into a library, and what became of each file in it.

use crate::shelf::{Shelf, Tally, in_turn};
use anyhow::{Context, Result};
use fuente_contract::{Error, JobId};
use futures_util::StreamExt;
use reqwest::Method;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use tokio_util::io::ReaderStream;

/// Stands between the parts of the form; nothing looks for it in the archive but its own line.
const BOUNDARY: &str = "fuente-8f2d61c09b7e4a53";

/// The server's reply: what became of each file.
#[derive(Deserialize)]
struct Unpacked {
    files: Vec<Inside>,
}

#[derive(Deserialize)]
struct Inside {
    file_name: String,
    external_id: Option<String>,
    outcome: String,
    job: Option<JobId>,
    problem: Option<Error>,
}

impl Shelf<'_> {
    /// Sends an archive whose files become documents, and waits until they answer.
    pub(crate) async fn send_archive(&self, path: &Path) -> Result<Tally> {
        // Where the queue is full half way, the rest is taken by another call: what is there is no work.
        let unpacked = in_turn(async || self.put_archive(path).await).await?;
        let (mut tally, mut waiting) = (Tally::default(), Vec::new());
        for file in unpacked.files {
            let name = PathBuf::from(file.external_id.unwrap_or(file.file_name));
            match (file.outcome.as_str(), file.job, file.problem) {
                (_, Some(job), _) => waiting.push((job, name)),
                ("unchanged", ..) => tally.unchanged += 1,
                ("skipped", ..) => tally.hidden += 1,
                (_, _, problem) => {
                    tally.refused.push((name, problem.map(|problem| problem.detail).unwrap_or_default()));
                }
            }
        }
        self.searchable(waiting, &mut tally).await?;
        Ok(tally)
    }

    async fn put_archive(&self, path: &Path) -> Result<Unpacked> {
        let caller = self.caller().await?;
        let unreadable = || format!("{} cannot be read.", path.display());
        let file = tokio::fs::File::open(path).await.with_context(unreadable)?;
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"library\"\r\n\r\n{}\r\n--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"archive.zip\"\r\n\r\n",
            self.library
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let length = file.metadata().await.with_context(unreadable)?.len() + (head.len() + tail.len()) as u64;
        let part = |text: String| futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(text))]);
        let body = part(head).chain(ReaderStream::with_capacity(file, 256 * 1024)).chain(part(tail));
        let request = caller
            .request(Method::POST, "/v1/admin/documents?unpack=true")
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .header("content-length", length)
            .body(reqwest::Body::wrap_stream(body));
        caller.json(request).await
    }
}
