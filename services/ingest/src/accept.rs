//! The door of the write side: bytes into the blob store, row and job into Postgres, `202` out.

use fuente_contract::document::DeleteReceipt;
use fuente_contract::ingest::{Accepted, ByteStream, Upload};
use fuente_contract::{DocumentId, Error, ErrorCode, Ingest, Result, Role, Scope};
use fuente_store::blobs::Blobs;
use fuente_store::{AcceptedBlob, Store, documents, ingest_rows};
use fuente_vectors::{PayloadPatch, Selector, VectorIndex};
use std::sync::Arc;
use tokio::sync::Notify;

/// Accepts and removes documents, in process.
pub struct Acceptor {
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) index: Arc<dyn VectorIndex>,
    /// Wakes the workers of this process; those of others look every second.
    pub(crate) wake: Arc<Notify>,
    pub(crate) max_bytes: u64,
}

#[async_trait::async_trait]
impl Ingest for Acceptor {
    async fn accept(&self, scope: &Scope, upload: Upload, bytes: ByteStream) -> Result<Accepted> {
        may_manage(scope)?;
        checked(&upload)?;
        let blob = self.blobs.put_stream(scope, bytes, self.max_bytes).await?;
        let row = AcceptedBlob {
            key: blob.key.clone(),
            bytes: blob.bytes,
            hash: blob.hash.clone(),
            mime: "application/octet-stream".to_owned(),
        };
        let accepted = match ingest_rows::accept(scope, &self.store, &upload, row).await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Nothing points to the bytes; the reconciler finds them if this fails too.
                let _ = self.blobs.delete(&blob.key).await;
                return Err(error);
            }
        };
        if accepted.unchanged {
            let _ = self.blobs.delete(&blob.key).await;
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
        // Postgres first: from its commit on no query can use the document, whatever follows.
        let (mut receipt, keys) = documents::delete(scope, &self.store, document).await?;
        receipt.vectors = self.index.delete(scope.tenant(), &Selector::Document(document)).await?;
        self.index.flush(scope.tenant()).await?;
        for key in keys {
            self.blobs.delete(&key).await?;
            receipt.blobs += 1;
        }
        Ok(receipt)
    }

    async fn retag(&self, scope: &Scope, document: DocumentId) -> Result<()> {
        may_manage(scope)?;
        let (policy, owner, library) = documents::tag(scope, &self.store, document).await?;
        let patch = PayloadPatch { policy: Some(policy), owner: Some(owner), library: Some(library), current: None };
        self.index.set_payload(scope.tenant(), &Selector::Document(document), &patch).await?;
        self.index.flush(scope.tenant()).await
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
    Ok(())
}
