//! The read side without generation: a question in, ranked passages out.

use crate::error::Result;
use crate::evidence::{Evidence, Hit};
use crate::ids::{DocumentId, LibraryId};
use crate::scope::Scope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to search for, and where. Everything named here narrows what policies allow, never widens it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    pub query: String,
    /// Passages wanted, 1 to 50; 10 where absent.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Only these libraries.
    #[serde(default)]
    pub libraries: Option<Vec<LibraryId>>,
    /// Only these documents.
    #[serde(default)]
    pub documents: Option<Vec<DocumentId>>,
    /// Also select evidence, up to so many tokens of the generator (approximate).
    #[serde(default)]
    pub evidence_tokens: Option<u32>,
}

/// Ranked passages, all of them readable by the asker at `epoch`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SearchReply {
    pub hits: Vec<Hit>,
    /// Filled where the request asked for it; canonical order (best first).
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// The tenant's access epoch at which every hit was checked.
    pub epoch: i64,
    /// Language of the question, ISO 639-1.
    pub lang: String,
    /// How well the best evidence covers the question; input of the abstention rule.
    pub signals: Signals,
    pub timings: SearchTimings,
}

/// Figures by which an answer is given or refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Signals {
    /// Best cosine similarity of any passage, the language it is written in taken out.
    pub dense: f32,
    /// Best BM25 score of any passage.
    pub sparse: f32,
    /// Share of the question's content words found in the best passage, weighted by rarity, 0 to 1.
    pub coverage: f32,
    /// Cosine lead of the best passage over the tenth.
    pub margin: f32,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchTimings {
    pub embed: f32,
    pub vectors: f32,
    pub recheck: f32,
    pub select: f32,
}

/// Finds what the asker may read.
#[async_trait::async_trait]
pub trait Search: Send + Sync {
    async fn search(&self, scope: &Scope, request: SearchRequest) -> Result<SearchReply>;
}
