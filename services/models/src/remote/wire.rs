//! The JSON of the OpenAI chat protocol: only the fields that are used, so that no server's
//! additions are in the way.

use crate::error::ModelError;
use crate::generate::{ChatMessage, ChatRole, GenerateRequest, Part};
use serde::{Deserialize, Serialize};

/// Spellings that the chat templates of common models give a meaning. The server renders its own
/// template over plain strings, so in data they are broken up before they leave.
const MARKS: [&str; 14] = [
    "<|",
    "|>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<bos>",
    "<eos>",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
];

#[derive(Serialize)]
pub(super) struct Body<'r> {
    model: &'r str,
    messages: Vec<Message>,
    stream: bool,
    stream_options: StreamOptions,
    max_tokens: u32,
    temperature: f32,
    seed: u32,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    grammar: Option<&'r str>,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The request as the server gets it. The repeat penalty is left out: the protocol has no such
/// field, and strict servers refuse what they do not know.
pub(super) fn body<'r>(model: &'r str, request: &'r GenerateRequest) -> Body<'r> {
    let mut messages: Vec<Message> = request.messages.iter().map(message).collect();
    if let Some(prefix) = &request.answer_prefix {
        messages.push(Message { role: ChatRole::Assistant.as_str(), content: prefix.clone() });
    }
    Body {
        model,
        messages,
        stream: true,
        stream_options: StreamOptions { include_usage: true },
        max_tokens: request.max_tokens,
        temperature: request.sampling.temperature.max(0.0),
        seed: request.sampling.seed,
        stop: &request.stop,
        grammar: request.grammar.as_deref(),
    }
}

fn message(message: &ChatMessage) -> Message {
    let mut content = String::new();
    for part in &message.parts {
        match part {
            Part::Trusted(text) => content.push_str(text),
            Part::Data(text) => content.push_str(&harmless(text)),
        }
    }
    Message { role: message.role.as_str(), content }
}

/// The text with a space after the first character of every mark.
fn harmless(text: &str) -> String {
    let mut text = text.to_owned();
    for mark in MARKS {
        if text.contains(mark) {
            let (first, rest) = mark.split_at(1);
            text = text.replace(mark, &format!("{first} {rest}"));
        }
    }
    text
}

#[derive(Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    pub(super) choices: Vec<Choice>,
    #[serde(default)]
    pub(super) usage: Option<Usage>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub(super) delta: Delta,
    #[serde(default)]
    pub(super) finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct Delta {
    #[serde(default)]
    pub(super) content: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) prompt_tokens: u32,
    #[serde(default)]
    pub(super) completion_tokens: u32,
    #[serde(default)]
    pub(super) prompt_tokens_details: Option<Details>,
}

#[derive(Default, Deserialize)]
pub(super) struct Details {
    #[serde(default)]
    pub(super) cached_tokens: u32,
}

/// One event's JSON. Servers report a fault in mid-stream as an `error` object.
pub(super) fn chunk(data: &str) -> Result<Chunk, ModelError> {
    let chunk: Chunk = serde_json::from_str(data)
        .map_err(|error| ModelError::failed("the generation server sent something that is no chat event", error))?;
    match chunk.error {
        Some(error) => Err(ModelError::failed("the generation server failed", error)),
        None => Ok(chunk),
    }
}
