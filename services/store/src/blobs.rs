//! Original files, under names of our own making: a name from outside never becomes a path.

use fuente_contract::ingest::ByteStream;
use fuente_contract::{Error, ErrorCode, Result, Scope, TenantId};
use futures_util::StreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// The blob store.
#[derive(Clone)]
pub struct Blobs {
    inner: Arc<dyn ObjectStore>,
    directory: Arc<Path>,
}

/// Bytes that were stored.
#[derive(Clone, Debug)]
pub struct StoredBlob {
    pub key: String,
    pub bytes: u64,
    /// blake3, compared within one tenant only.
    pub hash: Vec<u8>,
}

impl Blobs {
    /// Opens a directory as the blob store.
    ///
    /// # Errors
    /// Where the directory cannot be made.
    pub fn open(directory: &Path) -> Result<Self> {
        crate::folder::private(directory, crate::folder::OWN)?;
        // Synced before it is acknowledged: an accepted document survives a power cut.
        let inner =
            LocalFileSystem::new_with_prefix(directory).map_err(fault)?.with_automatic_cleanup(true).with_fsync(true);
        Ok(Self { inner: Arc::new(inner), directory: directory.into() })
    }

    /// A key that no other file has or had.
    #[must_use]
    pub fn key(&self, scope: &Scope) -> String {
        format!("{}/{}", scope.tenant(), Uuid::now_v7())
    }

    /// Streams bytes in while hashing them: constant memory, and no part file where it breaks off.
    /// The key is one that [`Blobs::key`] made, and is used once.
    ///
    /// # Errors
    /// `TooLarge` above `most` bytes, `InsufficientStorage` where the disk is full.
    pub async fn put_stream(&self, key: &str, mut bytes: ByteStream, most: u64) -> Result<StoredBlob> {
        let upload = self.inner.put_multipart(&Key::from(key)).await.map_err(fault)?;
        let mut writer = WriteMultipart::new(upload);
        let (mut hasher, mut length) = (blake3::Hasher::new(), 0_u64);
        while let Some(part) = bytes.next().await {
            let part = match part {
                Ok(part) => part,
                Err(error) => {
                    let _ = writer.abort().await;
                    return Err(
                        Error::invalid("The upload broke off before its end. Send the file again.").because(error)
                    );
                }
            };
            length += part.len() as u64;
            if length > most {
                let _ = writer.abort().await;
                return Err(Error::new(
                    ErrorCode::TooLarge,
                    format!("The file is larger than {most} bytes, the limit here."),
                ));
            }
            hasher.update(&part);
            // At most eight parts of 5 MiB wait for the disk.
            writer.wait_for_capacity(8).await.map_err(fault)?;
            writer.put(part);
        }
        writer.finish().await.map_err(fault)?;
        Ok(StoredBlob { key: key.to_owned(), bytes: length, hash: hasher.finalize().as_bytes().to_vec() })
    }

    /// The keys of the tenant's files.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keys(&self, tenant: TenantId) -> Result<Vec<String>> {
        let below = Key::from(tenant.to_string());
        let mut listed = self.inner.list(Some(&below));
        let mut keys = Vec::new();
        while let Some(file) = listed.next().await {
            keys.push(file.map_err(fault)?.location.to_string());
        }
        Ok(keys)
    }

    /// Whether the file is there.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn has(&self, key: &str) -> Result<bool> {
        match self.inner.head(&Key::from(key)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(fault(error)),
        }
    }

    /// The file as a stream, in constant memory.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn get_stream(&self, key: &str) -> Result<ByteStream> {
        let found = self.inner.get(&Key::from(key)).await.map_err(fault)?;
        Ok(found.into_stream().map(|part| part.map_err(std::io::Error::other)).boxed())
    }

    /// Deletes the file, and the part of one that a crash left behind. Deleting what is not there is
    /// no error.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.inner.delete(&Key::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(fault(error)),
        }
        // The local store gathers an upload under this name; a key is used once, so there is but one.
        match tokio::fs::remove_file(self.directory.join(format!("{key}#1"))).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
            _ => Ok(()),
        }
    }
}

fn fault(error: object_store::Error) -> Error {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(found) = cause {
        if found.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::StorageFull) {
            return Error::new(
                ErrorCode::InsufficientStorage,
                "The disk for documents is full. Free some space, then send the file again.",
            )
            .because(&error);
        }
        cause = found.source();
    }
    match error {
        object_store::Error::NotFound { .. } => Error::not_found(),
        other => Error::internal(other),
    }
}
