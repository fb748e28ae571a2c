//! The words of generation: what is asked of a [`Generator`] and what it streams back.

use crate::error::ModelError;
use fuente_contract::TenantId;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

/// Anything that continues a conversation.
#[async_trait::async_trait]
pub trait Generator: Send + Sync {
    /// Queues the request. The stream starts when its turn comes; dropping it cancels.
    ///
    /// # Errors
    /// [`ModelError::Busy`] where the queue is full, [`ModelError::TooLong`] where prompt and
    /// answer do not fit the context: both before anything is streamed.
    async fn generate(&self, request: GenerateRequest) -> Result<GenerateStream, ModelError>;

    /// Queues a question of which only the first word matters. The future waits for its turn; dropping
    /// it cancels. A prompt that begins like this one, queued next, reuses its work.
    ///
    /// # Errors
    /// As [`Generator::generate`].
    async fn weigh(&self, request: WeighRequest) -> Result<Shares, ModelError>;

    /// False once the engine has stopped for good, so that every request would fail.
    fn alive(&self) -> bool;

    /// Which model answers.
    fn info(&self) -> &ModelInfo;

    /// Tokens of `text` as data. Exact for the local engine, an upper estimate for a remote one.
    fn count_tokens(&self, text: &str) -> usize;
}

/// What is known of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    pub name: String,
    /// Of the model file; empty for a remote model, whose file nobody here sees.
    pub sha256: String,
    pub context_tokens: u32,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatRole {
    System,
    User,
    Assistant,
}

impl ChatRole {
    /// The word that chat templates and servers use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Written by us: our instructions.
    Trusted(String),
    /// From a document or a person. Whatever it spells, it never becomes a special token.
    Data(String),
}

/// One message of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    pub role: ChatRole,
    pub parts: Vec<Part>,
}

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest token always.
    pub temperature: f32,
    pub seed: u32,
    /// Over the last 64 generated tokens; 1 switches it off. The prompt is not counted: quoting
    /// the evidence is what an answer is for.
    pub repeat_penalty: f32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, seed: 42, repeat_penalty: 1.0 }
    }
}

/// A conversation to continue.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    /// Work done for one tenant's prompt is never reused for another's.
    pub tenant: TenantId,
    pub messages: Vec<ChatMessage>,
    pub max_tokens: u32,
    pub sampling: Sampling,
    /// Generation ends before the first of these would be written.
    pub stop: Vec<String>,
    /// GBNF with the rule `root`: only text of this grammar can be written. A remote server may
    /// not know it, so its output is to be checked.
    pub grammar: Option<String>,
    /// The beginning of the answer, given to the model as its own words; not streamed back.
    pub answer_prefix: Option<String>,
}

/// A question whose answer is one of a few words.
#[derive(Clone, Debug)]
pub struct WeighRequest {
    pub tenant: TenantId,
    pub messages: Vec<ChatMessage>,
    /// Each choice with the spellings that count for it ("yes", "Yes").
    pub choices: Vec<Vec<String>>,
}

/// The probability of each choice as the next word, 0 to 1, in the order of the request; nothing where
/// the engine does not tell probabilities.
pub type Shares = BoxFuture<'static, Result<Option<Vec<f32>>, ModelError>>;

/// What arrives, in order. After `Done` or an error nothing follows.
pub type GenerateStream = BoxStream<'static, Result<GenerateEvent, ModelError>>;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerateEvent {
    /// The next piece of text: whole characters, never empty.
    Token(String),
    Done {
        finish: Finish,
        prompt_tokens: u32,
        /// Prompt tokens whose work was still there from an earlier prompt of the same tenant.
        reused_tokens: u32,
        answer_tokens: u32,
    },
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model ended its turn, or a stop string came.
    Stop,
    /// `max_tokens` were written.
    Length,
    /// The engine was shut down.
    Cancelled,
}
