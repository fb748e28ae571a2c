//! The read side with generation: a question in, a stream of events out.

use crate::error::{Error, Result};
use crate::evidence::{Evidence, Scores};
use crate::ids::{DocumentId, LibraryId, PassageId, VersionId};
use crate::scope::Scope;
use crate::search::{SearchTimings, Signals};
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// A question, with what was said before it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    pub question: String,
    /// Earlier turns of the same conversation, oldest first.
    #[serde(default)]
    pub history: Vec<Turn>,
    /// Only these libraries.
    #[serde(default)]
    pub libraries: Option<Vec<LibraryId>>,
    /// Only these documents.
    #[serde(default)]
    pub documents: Option<Vec<DocumentId>>,
    /// Most tokens to generate; the server's own limit where absent or larger.
    #[serde(default)]
    pub max_tokens: Option<u32>,
}

/// One earlier turn.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    pub question: String,
    pub answer: String,
}

/// How far an answer is carried by the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every sentence is supported by a cited passage.
    Grounded,
    /// Some sentences are; the others are marked.
    Partial,
    /// The documents that the asker may read do not hold the answer.
    Insufficient,
    /// Not from documents at all (only where the tenant switched that on).
    Open,
}

impl Verdict {
    /// The stable name, as stored and as sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grounded => "grounded",
            Self::Partial => "partial",
            Self::Insufficient => "insufficient",
            Self::Open => "open",
        }
    }
}

/// A checkable pointer into the canonical text of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    /// Number of the evidence it points into.
    pub evidence: u32,
    /// Index of the answer's sentence that it supports, from 0.
    pub sentence: u32,
    pub document: DocumentId,
    pub version: VersionId,
    pub passage: PassageId,
    pub title: String,
    pub page: u32,
    /// Offsets in characters (Unicode scalar values), end exclusive.
    pub char_start: u32,
    pub char_end: u32,
    pub quote: String,
    /// Hex SHA-256 of the quote's UTF-8 bytes.
    pub quote_sha256: String,
}

/// Hex SHA-256 of a quote, as citations carry it.
#[must_use]
pub fn quote_hash(quote: &str) -> String {
    hex::encode(Sha256::digest(quote.as_bytes()))
}

impl Citation {
    /// Whether the quote stands at its offsets in `text` and its hash is right (I7).
    #[must_use]
    pub fn verifies(&self, text: &str) -> bool {
        let length = self.char_end.saturating_sub(self.char_start) as usize;
        let found: String = text.chars().skip(self.char_start as usize).take(length).collect();
        length > 0 && found == self.quote && quote_hash(&self.quote) == self.quote_sha256
    }
}

/// One sentence of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerSentence {
    pub text: String,
    pub supported: bool,
}

/// A document offered where no answer is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Nearest {
    pub document: DocumentId,
    pub title: String,
    pub page: u32,
}

/// Tokens and milliseconds of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    pub prompt_tokens: u32,
    /// Prompt tokens whose work was reused from an earlier prompt.
    pub reused_tokens: u32,
    pub answer_tokens: u32,
    pub evidence_ms: f32,
    pub first_token_ms: f32,
    pub total_ms: f32,
}

/// Everything needed to explain and replay an answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// The stand-alone form of the question that was searched for.
    pub query: String,
    pub lang: String,
    pub epoch: i64,
    pub candidates: Vec<Candidate>,
    /// Passages that went into the prompt, in prompt order.
    pub evidence: Vec<PassageId>,
    pub signals: Signals,
    /// Log-odds by which the model held that the evidence states the answer; absent where it was not asked.
    #[serde(default)]
    pub judged: Option<f32>,
    /// What the model wrote, sentence by sentence, and whether the evidence carries each: the reply's own
    /// sentences may be fewer (what nothing carries is left out) and more (quotes of the sources).
    #[serde(default)]
    pub written: Vec<AnswerSentence>,
    /// Why it abstained, where it did: a stable word.
    pub abstained: Option<String>,
    pub prompt_sha256: String,
    pub model: String,
    pub model_sha256: String,
    pub sampling: String,
    pub seed: u32,
    pub search: SearchTimings,
    pub usage: Usage,
}

/// A passage that was considered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    pub passage: PassageId,
    pub document: DocumentId,
    pub scores: Scores,
}

/// The whole answer, as `done` carries it and as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Reply {
    pub text: String,
    pub sentences: Vec<AnswerSentence>,
    pub citations: Vec<Citation>,
    pub verdict: Verdict,
    /// Filled where the verdict is `insufficient`.
    pub nearest: Vec<Nearest>,
    pub lang: String,
    pub trace: Trace,
}

/// What a stream of an answer carries, in this order: `evidence` once, `token`s, `revised` where the
/// checked answer is not what was streamed, `citation`s, `verdict`, `usage`, `done`. An `error` ends the
/// stream at any point.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "event", content = "data")]
pub enum AnswerEvent {
    Evidence(Vec<Evidence>),
    Token(String),
    /// The whole answer after the check against its sources: takes the place of all tokens before it.
    Revised(String),
    Citation(Citation),
    Verdict(Verdict),
    Usage(Usage),
    Done(Box<Reply>),
    Error(Error),
}

impl AnswerEvent {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Evidence(_) => "evidence",
            Self::Token(_) => "token",
            Self::Revised(_) => "revised",
            Self::Citation(_) => "citation",
            Self::Verdict(_) => "verdict",
            Self::Usage(_) => "usage",
            Self::Done(_) => "done",
            Self::Error(_) => "error",
        }
    }
}

/// Events of one answer. Dropping the stream cancels the generation.
pub type AnswerStream = BoxStream<'static, AnswerEvent>;

/// Answers from what the asker may read, or refuses.
#[async_trait::async_trait]
pub trait Answer: Send + Sync {
    /// # Errors
    /// `Unavailable` where the engine's queue is full: nothing was started. Later faults arrive as
    /// an `error` event.
    async fn ask(&self, scope: &Scope, request: AskRequest) -> Result<AnswerStream>;
}
