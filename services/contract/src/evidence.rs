//! Passages as they are found, and as they are shown to a model.

use crate::ids::{DocumentId, LibraryId, PassageId, VersionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A passage that the asker may read, with its place and its scores.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    pub passage: PassageId,
    pub document: DocumentId,
    pub version: VersionId,
    pub library: LibraryId,
    pub title: String,
    /// Headings from the document's top to the passage.
    pub heading: Vec<String>,
    pub page_from: u32,
    pub page_to: u32,
    /// Offsets in characters (Unicode scalar values) into the canonical text, end exclusive.
    pub char_start: u32,
    pub char_end: u32,
    pub text: String,
    /// ISO 639-1, as detected at ingestion.
    pub lang: String,
    pub scores: Scores,
}

/// How a passage ranked on each leg of the search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scores {
    /// Reciprocal rank fusion, k = 60.
    pub fused: f32,
    /// Cosine similarity; absent where the dense leg did not return the passage.
    pub dense: Option<f32>,
    /// BM25, with the rarity of a word counted over the passages that the asker may read; absent where
    /// the sparse leg did not return the passage.
    pub sparse: Option<f32>,
}

/// One sentence of the evidence, in canonical offsets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sentence {
    pub char_start: u32,
    pub char_end: u32,
    pub text: String,
    /// How well it fits the question; comparable within one reply only.
    pub score: f32,
}

/// A window of sentences of one passage, chosen for the prompt.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Counted from 1: the number under which the model and the reader see it.
    pub number: u32,
    pub hit: Hit,
    /// Neighbouring sentences in reading order.
    pub sentences: Vec<Sentence>,
    /// Index into `sentences` of the one that fits the question best.
    pub best: u32,
}
