//! Which embedding model answers for a tenant, and how far a change of it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The embedding model of a tenant. A change runs in the background; until it is complete the model
/// before answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmbeddingState {
    /// Id (name and hash) of the model that questions are answered with; absent before the first document.
    pub model: Option<String>,
    /// Id of the model that the settings ask for; absent until the ingest service has started once.
    pub wanted: Option<String>,
    /// Whether the one is being replaced by the other.
    pub changing: bool,
    /// Passages that the wanted model has read, while it changes.
    pub passages_done: Option<i64>,
    /// Passages that answer, while it changes.
    pub passages_total: Option<i64>,
    /// When that was counted last.
    pub updated_at: Option<String>,
}
