//! Works off deletions: what Postgres knows to be gone leaves the index and the disk.

use crate::models::Models;
use fuente_contract::{Result, SystemScope};
use fuente_store::blobs::Blobs;
use fuente_store::{Deletion, Store, deletions};
use fuente_vectors::Selector;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often an idle sweeper looks for work that others left.
const LOOK: Duration = Duration::from_secs(2);

/// What one round removed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Removed {
    pub(crate) vectors: u64,
    pub(crate) blobs: u64,
}

/// Removes vectors and files.
#[derive(Clone)]
pub(crate) struct Sweeper {
    pub(crate) system: SystemScope,
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) models: Models,
}

impl Sweeper {
    /// One round. Where it fails the deletion stays, and comes again by itself.
    pub(crate) async fn work(&self, deletion: &Deletion) -> Result<Removed> {
        let mut removed = Removed::default();
        let what = match (deletion.version, deletion.document) {
            (Some(version), _) => Some(Selector::Version(version)),
            (None, Some(document)) => Some(Selector::Document(document)),
            (None, None) => None,
        };
        if let Some(what) = what {
            removed.vectors = self.models.delete(deletion.tenant, &what).await?;
        }
        for key in &deletion.blobs {
            self.blobs.delete(key).await?;
            removed.blobs += 1;
        }
        deletions::done(&self.system, &self.store, deletion).await?;
        Ok(removed)
    }

    /// One round by whoever caused the deletion; nobody needs to wait for more than this.
    pub(crate) async fn begin(&self, deletion: &Deletion) -> Option<Removed> {
        match self.work(deletion).await {
            Ok(removed) => Some(removed),
            Err(error) => {
                tracing::warn!(%error, deletion = %deletion.id, "vectors or files could not be removed; it is tried again");
                None
            }
        }
    }

    /// Removes the file of an upload that failed, unless it is a version's after all.
    pub(crate) async fn give_up(&self, reserved: &Deletion) {
        match deletions::stands(&self.system, &self.store, reserved).await {
            Ok(true) => drop(self.begin(reserved).await),
            Ok(false) => tracing::warn!("an upload was accepted although its caller was told otherwise"),
            Err(error) => tracing::warn!(%error, "the file of an upload that failed is removed later"),
        }
    }

    /// Works until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let looked = deletions::claim(&self.system, &self.store).await;
            match looked {
                // A round that is broken off comes again, so a stop need not wait for it.
                Ok(Some(deletion)) => tokio::select! {
                    _ = self.begin(&deletion) => {}
                    () = stop.cancelled() => {}
                },
                Ok(None) => idle(&stop).await,
                Err(error) => {
                    tracing::warn!(%error, "no deletion could be claimed");
                    idle(&stop).await;
                }
            }
        }
    }
}

async fn idle(stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(LOOK) => {}
        () = stop.cancelled() => {}
    }
}
