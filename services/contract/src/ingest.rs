//! The write side: bytes in, a job out.

use crate::access::Rule;
use crate::document::{DeleteReceipt, Priority};
use crate::drift::Drift;
use crate::error::Result;
use crate::ids::{DocumentId, JobId, LibraryId, VersionId};
use crate::manage::Metadata;
use crate::scope::Scope;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is known of an upload before its bytes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    pub library: LibraryId,
    /// The caller's own name for the document; the same name again makes a new version.
    pub external_id: String,
    /// Name of the file, used as a hint of its format and, lacking a better one, as its title.
    pub file_name: String,
    #[serde(default)]
    pub title: Option<String>,
    /// A policy of the document's own; absent means the library's.
    #[serde(default)]
    pub rules: Option<Vec<Rule>>,
    /// What is to be remembered of the document; absent leaves what it has.
    #[serde(default)]
    pub metadata: Option<Metadata>,
    #[serde(default)]
    pub priority: Priority,
}

/// An acknowledged upload: the bytes are stored and the job will run, whatever crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    pub document: DocumentId,
    pub version: VersionId,
    /// Absent where the same bytes were already there, so that no work is needed.
    pub job: Option<JobId>,
    pub unchanged: bool,
}

/// What is known of an original before its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// The name it was sent under: text from outside, never a path.
    pub file_name: String,
    /// What its bytes were found to be.
    pub mime: String,
    pub bytes: u64,
}

/// Bytes of a file as they arrive.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// Accepts documents and takes them away again.
#[async_trait::async_trait]
pub trait Ingest: Send + Sync {
    /// Streams the bytes to the blob store, then writes row and job in one transaction.
    async fn accept(&self, scope: &Scope, upload: Upload, bytes: ByteStream) -> Result<Accepted>;
    /// Removes a document from every store.
    async fn delete(&self, scope: &Scope, document: DocumentId) -> Result<DeleteReceipt>;
    /// After a document's effective policy or owner changed: moves its vectors to the new policy tag.
    async fn retag(&self, scope: &Scope, document: DocumentId) -> Result<()>;
    /// Compares index, rows and files of the caller's tenant, and mends what can be mended where asked.
    async fn reconcile(&self, scope: &Scope, mend: bool) -> Result<Drift>;
    /// The original of a published version that the user reads: the current one where none is named.
    async fn original(
        &self,
        scope: &Scope,
        document: DocumentId,
        version: Option<VersionId>,
    ) -> Result<(Original, ByteStream)>;
}
