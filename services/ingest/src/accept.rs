//! The door of the write side: bytes into the blob store, row and job into Postgres, `202` out.

use crate::models::Models;
use crate::reconcile::Reconciler;
use crate::sweep::Sweeper;
use fuente_contract::document::DeleteReceipt;
use fuente_contract::drift::Drift;
use fuente_contract::ingest::{Accepted, ByteStream, Original, Upload};
use fuente_contract::manage::check_metadata;
use fuente_contract::{DocumentId, Error, ErrorCode, Ingest, Result, Role, Scope, VersionId};
use fuente_store::blobs::Blobs;
use fuente_store::{AcceptedBlob, Deletion, Store, deletions, documents, ingest_rows, jobs, originals};
use fuente_vectors::{PayloadPatch, Selector};
use std::sync::Arc;
use tokio::sync::Notify;

/// Accepts and removes documents, in process.
pub struct Acceptor {
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) models: Models,
    pub(crate) sweeper: Sweeper,
    pub(crate) reconciler: Reconciler,
    /// Wakes the workers of this process; those of others look every second.
    pub(crate) wake: Arc<Notify>,
    pub(crate) max_bytes: u64,
    /// Jobs of one tenant that may wait.
    pub(crate) tenant_waiting: u32,
}

#[async_trait::async_trait]
impl Ingest for Acceptor {
    async fn accept(&self, scope: &Scope, upload: Upload, bytes: ByteStream) -> Result<Accepted> {
        may_manage(scope)?;
        checked(&upload)?;
        jobs::room(scope, &self.store, upload.priority, self.tenant_waiting).await?;
        // Before the first byte: should this call not come to its end, the file is removed all the same.
        let key = self.blobs.key(scope);
        let reserved = deletions::reserve(scope, &self.store, &key).await?;
        let accepted = match self.stored(scope, &upload, bytes, &key, &reserved).await {
            Ok(accepted) => accepted,
            Err(error) => {
                self.sweeper.give_up(&reserved).await;
                return Err(error);
            }
        };
        if accepted.unchanged {
            self.sweeper.begin(&reserved).await;
            // The same bytes may have come with other rules; no job will carry those to the vectors.
            if upload.rules.is_some() {
                self.retag(scope, accepted.document).await?;
            }
        } else {
            self.wake.notify_one();
        }
        Ok(accepted)
    }

    async fn delete(&self, scope: &Scope, document: DocumentId) -> Result<DeleteReceipt> {
        may_manage(scope)?;
        // Postgres first: from its commit on no query can use the document, and whatever fails after
        // it is worked off later.
        let (mut receipt, left) = documents::delete(scope, &self.store, document).await?;
        match self.sweeper.begin(&left).await {
            Some(removed) => (receipt.vectors, receipt.blobs) = (removed.vectors, removed.blobs),
            None => receipt.pending = true,
        }
        Ok(receipt)
    }

    async fn retag(&self, scope: &Scope, document: DocumentId) -> Result<()> {
        may_manage(scope)?;
        let (policy, owner, library) = documents::tag(scope, &self.store, document).await?;
        let patch = PayloadPatch { policy: Some(policy), owner: Some(owner), library: Some(library), current: None };
        self.models.set_payload(scope.tenant(), &Selector::Document(document), &patch).await
    }

    async fn reconcile(&self, scope: &Scope, mend: bool) -> Result<Drift> {
        may_manage(scope)?;
        self.reconciler.run(scope.tenant(), mend).await
    }

    async fn original(
        &self,
        scope: &Scope,
        document: DocumentId,
        version: Option<VersionId>,
    ) -> Result<(Original, ByteStream)> {
        if !scope.allows("documents:read") {
            return Err(Error::new(ErrorCode::Forbidden, "This API key may not read documents."));
        }
        // Whether the user reads the document is decided here, beside the bytes, whoever asks.
        let (original, key) = originals::find(scope, &self.store, document, version).await?;
        let bytes = self.blobs.get_stream(&key).await?;
        Ok((original, bytes))
    }
}

impl Acceptor {
    async fn stored(
        &self,
        scope: &Scope,
        upload: &Upload,
        bytes: ByteStream,
        key: &str,
        reserved: &Deletion,
    ) -> Result<Accepted> {
        let blob = self.blobs.put_stream(key, bytes, self.max_bytes).await?;
        let row = AcceptedBlob {
            key: blob.key,
            reserved: reserved.id,
            bytes: blob.bytes,
            hash: blob.hash,
            mime: "application/octet-stream".to_owned(),
        };
        ingest_rows::accept(scope, &self.store, upload, row).await
    }
}

fn may_manage(scope: &Scope) -> Result<()> {
    if scope.role() == Role::Admin && scope.allows("documents:write") {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Forbidden, "Only administrators may change documents."))
}

fn checked(upload: &Upload) -> Result<()> {
    let long = |text: &str| text.chars().count() > 500;
    if upload.external_id.trim().is_empty() || long(&upload.external_id) {
        return Err(Error::invalid("`external_id` must have 1 to 500 characters."));
    }
    if upload.file_name.trim().is_empty() || long(&upload.file_name) {
        return Err(Error::invalid("`file_name` must have 1 to 500 characters."));
    }
    if upload.title.as_deref().is_some_and(|title| title.trim().is_empty() || long(title)) {
        return Err(Error::invalid("`title` must have 1 to 500 characters, or be left out."));
    }
    upload.metadata.as_ref().map_or(Ok(()), check_metadata)
}
