//! Where the stores of one tenant disagree, as its reconciliation found and left them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a reconciliation found. Counts are of before it mended anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    /// Points in the vector index.
    pub points: u64,
    /// Passages that answer.
    pub passages: u64,
    /// Points of no passage. They answer nothing (Postgres does not know them); mended by removal.
    pub orphan_points: u64,
    /// Passages that answer, without a point; mended from the vectors kept beside them.
    pub missing_points: u64,
    /// Of the missing, those without kept vectors of this model: their documents must be indexed again.
    pub lost_points: u64,
    /// Points that filters see wrongly (policy, owner, library, mark of the answering version).
    pub stale_points: u64,
    /// Originals in the blob store.
    pub files: u64,
    /// Files of no version, and of no upload or deletion under way; mended by removal.
    pub orphan_files: u64,
    /// Versions whose original is not there. Their text still answers; send the files again.
    pub missing_files: u64,
    /// Whether what can be mended was mended.
    pub mended: bool,
}

impl Drift {
    /// Whether the stores agreed.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.orphan_points + self.missing_points + self.stale_points + self.orphan_files + self.missing_files == 0
    }
}
