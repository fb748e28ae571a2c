//! The JSON of the OpenAI chat protocol: only the fields that are used, so that no server's
//! additions are in the way.

use crate::error::ModelError;
use crate::generate::{ChatMessage, ChatRole, GenerateRequest, Part, WeighRequest};
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

/// One word is asked for, with the probabilities of those that might have been.
#[derive(Serialize)]
pub(super) struct WeighBody<'r> {
    model: &'r str,
    messages: Vec<Message>,
    max_tokens: u32,
    temperature: f32,
    logprobs: bool,
    top_logprobs: u32,
}

pub(super) fn weigh_body<'r>(model: &'r str, request: &WeighRequest) -> WeighBody<'r> {
    let messages = request.messages.iter().map(message).collect();
    WeighBody { model, messages, max_tokens: 1, temperature: 0.0, logprobs: true, top_logprobs: 20 }
}

/// The choices' probabilities in a reply; nothing where the server told none.
pub(super) fn shares(body: &[u8], choices: &[Vec<String>]) -> Result<Option<Vec<f32>>, ModelError> {
    let reply: serde_json::Value = serde_json::from_slice(body)
        .map_err(|error| ModelError::failed("the generation server sent something else than JSON", error))?;
    let Some(top) = reply.pointer("/choices/0/logprobs/content/0/top_logprobs").and_then(|top| top.as_array()) else {
        return Ok(None);
    };
    let share = |spelling: &String| -> f32 {
        let likely = |entry: &&serde_json::Value| entry["token"].as_str().is_some_and(|token| token.trim() == spelling);
        #[allow(clippy::cast_possible_truncation)] // a probability
        let sum =
            top.iter().filter(likely).filter_map(|entry| entry["logprob"].as_f64()).map(f64::exp).sum::<f64>() as f32;
        sum
    };
    Ok(Some(choices.iter().map(|spellings| spellings.iter().map(share).sum()).collect()))
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
