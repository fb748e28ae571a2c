//! `fuente ingest FOLDER --watch`: a library that follows a folder.
//!
//! The folder is looked at every few seconds rather than watched through the kernel: that works on
//! shared drives too, misses nothing, and a start after a pause is the same work as any other look.
//! What the library holds of the folder is told by the documents' metadata, so that a delete never
//! touches what somebody else put there.

use crate::ingest::{Found, walk};
use crate::shelf::{Shelf, Tally};
use anyhow::{Context, Result, bail};
use fuente_contract::document::DeleteReceipt;
use fuente_contract::manage::{DocumentState, ManagedDocument};
use fuente_contract::{DocumentId, Page};
use reqwest::Method;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often the folder is looked at. A file is taken when two looks in a row find it the same.
const EVERY: Duration = Duration::from_secs(2);

/// The name in the documents' metadata under which their folder stands.
const KEY: &str = "folder";

/// What tells that a file was not written to.
type Stamp = (u64, Option<SystemTime>);

/// The folder, as one look found it.
#[derive(Default)]
struct Look {
    files: BTreeMap<String, (PathBuf, Stamp)>,
    /// Hidden files and folders that were passed by.
    hidden: usize,
}

/// What the library holds of the folder.
struct Held {
    id: DocumentId,
    hash: String,
}

pub(crate) struct InStep<'a> {
    shelf: Shelf<'a>,
    folder: PathBuf,
    /// Whether hidden files are followed too.
    hidden: bool,
    metadata: String,
    held: HashMap<String, Held>,
    /// Files that need no look at their bytes while they stay as they are.
    settled: HashMap<String, Stamp>,
}

impl<'a> InStep<'a> {
    pub(crate) async fn new(shelf: Shelf<'a>, folder: &Path, hidden: bool) -> Result<Self> {
        let folder = folder.canonicalize().with_context(|| format!("{} cannot be found.", folder.display()))?;
        let metadata = serde_json::json!({ KEY: folder.to_string_lossy() }).to_string();
        let mut step = Self { shelf, folder, hidden, metadata, held: HashMap::new(), settled: HashMap::new() };
        step.ask().await?;
        Ok(step)
    }

    /// Asks the library what it holds of the folder.
    async fn ask(&mut self) -> Result<()> {
        let caller = self.shelf.caller().await?;
        let (mut held, mut after) = (HashMap::new(), String::new());
        loop {
            let path = format!(
                "/v1/admin/documents?library={}&limit=200&metadata={}{after}",
                self.shelf.library,
                crate::ingest::encoded(&self.metadata)
            );
            let page: Page<ManagedDocument> = caller.json(caller.request(Method::GET, &path)).await?;
            for document in page.items {
                // Bytes whose work was stopped are sent again; those that were refused would be again.
                let hash = if document.state == DocumentState::Cancelled { String::new() } else { document.hash };
                held.insert(document.info.external_id, Held { id: document.info.id, hash });
            }
            match page.next {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        self.held = held;
        Ok(())
    }

    fn look(&self) -> Result<Look> {
        let mut found = Found::default();
        walk(&self.folder, &self.folder, self.hidden, &mut found)?;
        let mut look = Look { hidden: found.hidden, ..Look::default() };
        for (path, external) in found.files {
            match std::fs::metadata(&path) {
                Ok(found) => drop(look.files.insert(external, (path, (found.len(), found.modified().ok())))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                // A drive that fails for a moment has deleted nothing.
                Err(error) => bail!("{} cannot be read: {error}.", path.display()),
            }
        }
        Ok(look)
    }

    /// Brings the library in step, once.
    pub(crate) async fn once(&mut self, delete: bool) -> Result<Tally> {
        let look = self.look()?;
        if look.files.is_empty() {
            bail!("There is no file in {}. Nothing was deleted: is it the right folder?", self.folder.display());
        }
        let tally = self.round(&look, &look, delete).await?;
        Ok(Tally { hidden: look.hidden, ..tally })
    }

    /// Keeps the library in step until Ctrl-C; says what it did.
    pub(crate) async fn watch(&mut self) -> Result<Tally> {
        say!("Watching {}. Ctrl-C ends it.", self.folder.display());
        let mut before = self.look()?;
        let mut all = Tally { hidden: before.hidden, ..Tally::default() };
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(all),
                () = tokio::time::sleep(EVERY) => {}
            }
            // A drive that went away must not empty the library: neither an error nor an empty
            // folder that held files before deletes anything.
            let now = match self.look() {
                Ok(now) => now,
                Err(error) => {
                    eprintln!("{error} It is looked at again.");
                    continue;
                }
            };
            let round = tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(all),
                round = self.round(&before, &now, !now.files.is_empty()) => round,
            };
            match round {
                Ok(done) => {
                    if !done.is_empty() {
                        done.print();
                    }
                    all.add(done);
                    all.hidden = now.hidden;
                }
                // The server may be away for a while: everything is compared again.
                Err(error) => {
                    eprintln!("{error:#} It is tried again.");
                    self.settled.clear();
                }
            }
            before = now;
        }
    }

    /// Sends what is new or changed, then deletes what is gone; a moved file is both. Only what two
    /// looks agree on is touched, so that a file that is still being written is left alone.
    async fn round(&mut self, before: &Look, now: &Look, delete: bool) -> Result<Tally> {
        let (mut tally, mut send) = (Tally::default(), Vec::new());
        for (external, (path, stamp)) in &now.files {
            let steady = before.files.get(external).is_some_and(|(_, earlier)| earlier == stamp);
            if !steady || self.settled.get(external) == Some(stamp) {
                continue;
            }
            match (self.held.get(external), hashed(path.clone()).await) {
                (Some(held), Ok(hash)) if held.hash == hash => tally.unchanged += 1,
                _ => send.push((path.clone(), external.clone())),
            }
            self.settled.insert(external.clone(), *stamp);
        }
        if !send.is_empty() {
            let sent = self.shelf.send(&send, Some(&self.metadata)).await?;
            for external in &sent.again {
                self.settled.remove(external);
            }
            tally.add(sent);
            self.ask().await?;
        }
        let gone: Vec<String> = self
            .held
            .keys()
            .filter(|id| !now.files.contains_key(*id) && !before.files.contains_key(*id))
            .cloned()
            .collect();
        // What could not be sent may be what was moved: until it is there, nothing of it goes.
        if delete && tally.again.is_empty() && !gone.is_empty() {
            let caller = self.shelf.caller().await?;
            for external in gone {
                if let Some(held) = self.held.get(&external) {
                    let path = format!("/v1/admin/documents/{}", held.id);
                    let _: DeleteReceipt = caller.json(caller.request(Method::DELETE, &path)).await?;
                    tally.deleted += 1;
                }
                self.held.remove(&external);
                self.settled.remove(&external);
            }
        }
        Ok(tally)
    }
}

/// The hash that the library knows originals by.
async fn hashed(path: PathBuf) -> Result<String> {
    let hash = move || -> std::io::Result<String> {
        let (mut file, mut hasher) = (std::fs::File::open(path)?, blake3::Hasher::new());
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hasher.finalize().to_hex().to_string()),
                length => hasher.update(&buffer[..length]),
            };
        }
    };
    Ok(tokio::task::spawn_blocking(hash).await??)
}
