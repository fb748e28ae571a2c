//! Files on their way from a disk into a library, and what became of them.

use crate::client::{Caller, Declined, Full, Server};
use crate::ingest::{bar, encoded, settled};
use anyhow::{Context, Result};
use fuente_contract::document::{JobState, Priority};
use fuente_contract::ingest::Accepted;
use fuente_contract::{JobId, LibraryId, Scope};
use reqwest::Method;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio_util::io::ReaderStream;

/// A session lasts an hour; one for the next call is not much older than this.
const FRESH: Duration = Duration::from_secs(1_800);

/// A library, and who puts files into it.
pub(crate) struct Shelf<'a> {
    pub(crate) server: &'a Server,
    pub(crate) operator: Scope,
    pub(crate) tenant: String,
    pub(crate) user: String,
    pub(crate) library: LibraryId,
    pub(crate) priority: Priority,
    pub(crate) session: Mutex<Option<(Instant, Caller)>>,
}

/// What became of files.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) added: usize,
    pub(crate) unchanged: usize,
    pub(crate) deleted: usize,
    /// Hidden files and folders that were passed by.
    pub(crate) hidden: usize,
    pub(crate) refused: Vec<(PathBuf, String)>,
    /// External ids of those among the refused that the server may take at another time.
    pub(crate) again: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.added += other.added;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
        self.hidden += other.hidden;
        self.refused.extend(other.refused);
        self.again.extend(other.again);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.added + self.deleted + self.refused.len() == 0
    }

    pub(crate) fn print(&self) {
        for (what, count) in [
            ("added or changed", self.added),
            ("unchanged", self.unchanged),
            ("deleted", self.deleted),
            ("hidden, skipped", self.hidden),
            ("refused", self.refused.len()),
        ] {
            say!("{what:<17}{count:>8}");
        }
        for (path, reason) in &self.refused {
            say!("  {}: {reason}", path.display());
        }
    }
}

impl Shelf<'_> {
    /// A session for the next call: many files take longer than one lasts.
    pub(crate) async fn caller(&self) -> Result<Caller> {
        let mut session = self.session.lock().await;
        if let Some((_, caller)) = session.as_ref().filter(|(opened, _)| opened.elapsed() < FRESH) {
            return Ok(caller.clone());
        }
        let caller = self.server.act_as(&self.tenant, &self.user).await?;
        *session = Some((Instant::now(), caller.clone()));
        Ok(caller)
    }

    /// Sends files under their external ids and waits until they answer; `metadata` is JSON.
    pub(crate) async fn send(&self, files: &[(PathBuf, String)], metadata: Option<&str>) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut waiting = Vec::new();
        let sending = bar(files.len() as u64, "files sent");
        for (path, external) in files {
            match in_turn(async || self.put(path, external, metadata).await).await {
                Ok(Accepted { job: Some(job), .. }) => waiting.push((job, path.clone())),
                Ok(_) => tally.unchanged += 1,
                Err(error) => {
                    if !error.downcast_ref::<Declined>().is_some_and(Declined::is_final) {
                        tally.again.push(external.clone());
                    }
                    tally.refused.push((path.clone(), format!("{error:#}")));
                }
            }
            sending.inc(1);
        }
        sending.finish_and_clear();
        self.searchable(waiting, &mut tally).await?;
        Ok(tally)
    }

    /// Waits until the jobs have ended, and counts how.
    pub(crate) async fn searchable(&self, waiting: Vec<(JobId, PathBuf)>, tally: &mut Tally) -> Result<()> {
        let working = bar(waiting.len() as u64, "files searchable");
        for (job, path) in waiting {
            match settled(&self.operator, &self.server.store, job).await? {
                info if info.state == JobState::Done => tally.added += 1,
                info => {
                    let reason = format!("{}: {}", info.error.unwrap_or_default(), info.advice.unwrap_or_default());
                    tally.refused.push((path, reason));
                }
            }
            working.inc(1);
        }
        working.finish_and_clear();
        Ok(())
    }

    /// Streams one file from the disk.
    async fn put(&self, path: &Path, external: &str, metadata: Option<&str>) -> Result<Accepted> {
        let caller = self.caller().await?;
        let unreadable = || format!("{} cannot be read.", path.display());
        let file = tokio::fs::File::open(path).await.with_context(unreadable)?;
        let length = file.metadata().await.with_context(unreadable)?.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let metadata = metadata.map(|json| format!("&metadata={}", encoded(json))).unwrap_or_default();
        let place = format!(
            "/v1/admin/libraries/{}/documents/{}?file_name={}&priority={}{metadata}",
            self.library,
            encoded(external),
            encoded(&name),
            self.priority.as_str()
        );
        let request = caller
            .request(Method::PUT, &place)
            .header("content-type", "application/octet-stream")
            // Said beforehand, so that one that is too large is refused before it is sent.
            .header("content-length", length)
            .body(reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, 256 * 1024)));
        caller.json(request).await
    }
}

/// Sends; where the tenant's queue is full, waits as long as the server says and sends again, however often.
pub(crate) async fn in_turn<T>(send: impl AsyncFn() -> Result<T>) -> Result<T> {
    loop {
        match send().await {
            Err(error) => match error.downcast_ref::<Full>() {
                Some(full) => {
                    eprintln!("{full}");
                    tokio::time::sleep(Duration::from_secs(full.0)).await;
                }
                None => return Err(error),
            },
            sent => return sent,
        }
    }
}
