//! The trait that hides which Qdrant is behind it, and the values it speaks in.

use fuente_contract::access::ReadFilter;
use fuente_contract::{DocumentId, LibraryId, PassageId, Result, TenantId, UserId, VersionId};

/// Weighted terms of one text: BM25 weights for a passage, ones for a query.
/// Indices are distinct; the two lists have the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sparse {
    pub indices: Vec<u32>,
    pub values: Vec<f32>,
}

/// One passage as vectors, with what queries filter on.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub id: PassageId,
    pub dense: Vec<f32>,
    /// May be empty: then only the dense leg can find the passage.
    pub sparse: Sparse,
    pub document: DocumentId,
    pub version: VersionId,
    pub library: LibraryId,
    /// Tag of the document's effective policy.
    pub policy: i64,
    pub owner: UserId,
    /// ISO 639-1.
    pub lang: String,
    /// Whether the version is the one that answers may use.
    pub current: bool,
}

/// What filters see of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    pub document: DocumentId,
    pub version: VersionId,
    pub library: LibraryId,
    pub policy: i64,
    pub owner: UserId,
    pub current: bool,
}

/// A point that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub id: PassageId,
    /// Absent where its payload is not one of ours.
    pub tag: Option<Tag>,
}

/// Which points a change or a count is about, always within one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    Document(DocumentId),
    Version(VersionId),
    /// Every version of the document but one.
    VersionsExcept {
        document: DocumentId,
        keep: VersionId,
    },
    /// Points by id; ids that do not exist are passed over.
    Passages(Vec<PassageId>),
    All,
}

/// Payload fields to overwrite; absent ones stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PayloadPatch {
    pub policy: Option<i64>,
    pub owner: Option<UserId>,
    pub current: Option<bool>,
    pub library: Option<LibraryId>,
}

/// A question as vectors, with what its asker may read.
#[derive(Clone, Debug)]
pub struct HybridQuery {
    pub dense: Vec<f32>,
    /// Where it is empty the sparse leg is empty too.
    pub sparse: Sparse,
    pub filter: ReadFilter,
    /// Only these libraries.
    pub libraries: Option<Vec<LibraryId>>,
    /// Only these documents.
    pub documents: Option<Vec<DocumentId>>,
    /// Most hits of each leg.
    pub limit: usize,
    /// Compare with every readable vector, however many there are.
    pub exact: bool,
}

/// What each way of searching found, with its own scores; best first, ties by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Legs {
    pub dense: Vec<(PassageId, f32)>,
    pub sparse: Vec<(PassageId, f32)>,
}

/// Where vectors live. Every call names its tenant, and none can reach another's points.
#[async_trait::async_trait]
pub trait VectorIndex: Send + Sync {
    /// Writes points; writing the same ones again changes nothing. A point that is current stays as
    /// it is: only [`VectorIndex::set_payload`] changes it. Visible to queries on return, but only
    /// [`VectorIndex::flush`] makes them outlast the process.
    async fn upsert(&self, tenant: TenantId, points: Vec<Point>) -> Result<()>;

    /// What was written before the call survives a loss of power when it returns.
    async fn flush(&self, tenant: TenantId) -> Result<()>;

    /// The dense and the sparse neighbours that the filter lets through.
    async fn legs(&self, tenant: TenantId, query: &HybridQuery) -> Result<Legs>;

    /// Removes points and says how many there were. Durable on return.
    async fn delete(&self, tenant: TenantId, what: &Selector) -> Result<u64>;

    /// Overwrites payload fields, without touching vectors. Durable on return.
    async fn set_payload(&self, tenant: TenantId, what: &Selector, patch: &PayloadPatch) -> Result<()>;

    /// Counts points, exactly.
    async fn count(&self, tenant: TenantId, what: &Selector) -> Result<u64>;

    /// What is held, in ascending order of ids, after the given one: the reconciler walks it page by page.
    async fn held(&self, tenant: TenantId, after: Option<PassageId>, limit: usize) -> Result<Vec<Held>>;

    /// Removes everything the tenant has.
    async fn drop_tenant(&self, tenant: TenantId) -> Result<()>;

    /// Whether the index can answer at all.
    async fn health(&self) -> Result<()>;
}
