//! The embedding models of a process: the one that the settings name, and whichever else a tenant is
//! still (or already) searched with while its model changes.

use crate::{Embedder, EmbedderOptions, ModelError, manifest};
use fuente_contract::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a model that did not load is not tried again: to check its files alone takes a second.
const AGAIN: Duration = Duration::from_secs(60);

/// Embedding models by id. Clones share them.
#[derive(Clone)]
pub struct Embedders {
    wanted: Embedder,
    others: Arc<Others>,
}

struct Others {
    cache: PathBuf,
    threads: usize,
    /// Loaded, or when it was tried in vain. Held while one loads: two must not load the same.
    tried: Mutex<HashMap<String, std::result::Result<Embedder, Instant>>>,
}

impl Embedders {
    /// `wanted` is the model that the settings name; others are looked for in `cache` when they are needed.
    #[must_use]
    pub fn new(wanted: Embedder, cache: &Path, threads: usize) -> Self {
        let others = Others { cache: cache.to_owned(), threads, tried: Mutex::default() };
        Self { wanted, others: Arc::new(others) }
    }

    /// The model that the settings name.
    #[must_use]
    pub fn wanted(&self) -> &Embedder {
        &self.wanted
    }

    /// The model of that id, loaded on its first use (some seconds).
    ///
    /// # Errors
    /// `Unavailable` where it does not load; the log says why and what to do.
    pub async fn of(&self, id: &str) -> Result<Embedder> {
        if id == self.wanted.id() {
            return Ok(self.wanted.clone());
        }
        let mut tried = self.others.tried.lock().await;
        match tried.get(id) {
            Some(Ok(embedder)) => return Ok(embedder.clone()),
            Some(Err(at)) if at.elapsed() < AGAIN => return Err(away()),
            _ => {}
        }
        let loaded = match entry(id) {
            Ok(entry) => {
                Embedder::open(EmbedderOptions::at(&self.others.cache, &entry.name, self.others.threads)).await
            }
            Err(error) => Err(error),
        };
        match loaded {
            Ok(embedder) => {
                tracing::info!(model = id, "loaded beside the model of the settings: a tenant is searched with it");
                tried.insert(id.to_owned(), Ok(embedder.clone()));
                Ok(embedder)
            }
            Err(error) => {
                tracing::error!(
                    model = id,
                    %error,
                    "a tenant is searched with this embedding model: until it is there again, or the change to the \
                     model of the settings is complete, the tenant cannot be searched"
                );
                tried.insert(id.to_owned(), Err(Instant::now()));
                Err(away())
            }
        }
    }
}

/// Numbers in a vector of the model of that id, which need not be loaded.
///
/// # Errors
/// `Unavailable` where this release does not know the model.
pub fn dim_of(id: &str) -> Result<usize> {
    Ok(entry(id)?.embedder.as_ref().map_or(0, |facts| facts.dim))
}

fn entry(id: &str) -> Result<&'static manifest::Entry> {
    manifest::by_id(id).ok_or_else(|| {
        let unknown = ModelError::Failed(format!("models.toml of this release has no embedding model {id}"));
        Error::unavailable(unknown.to_string(), 60)
    })
}

fn away() -> Error {
    Error::unavailable(
        "The embedding model of these documents is not there. The log of the service says what to do.",
        60,
    )
}
