//! Messages into tokens: the model's chat template around our words, and data beside it that
//! can never become a special token.

use crate::error::ModelError;
use crate::generate::{ChatMessage, Part};
use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};
use llama_cpp_2::token::LlamaToken;

/// Stands in the rendered template where data goes. Both characters are for private use and are
/// taken out of trusted text, and data is never rendered, so a mark can only be one of ours.
const OPEN: char = '\u{F0000}';
const CLOSE: char = '\u{F0001}';

/// How the model wants a conversation written.
pub(super) struct Template(LlamaChatTemplate);

impl Template {
    /// The template inside the model file.
    pub(super) fn of(model: &LlamaModel) -> Result<Self, ModelError> {
        model
            .chat_template(None)
            .map(Self)
            .map_err(|error| ModelError::failed("the model file has no chat template", error))
    }

    /// The prompt, ready to be decoded: ends where the model is to write.
    pub(super) fn tokens(
        &self,
        model: &LlamaModel,
        messages: &[ChatMessage],
        prefix: Option<&str>,
    ) -> Result<Vec<LlamaToken>, ModelError> {
        let (rendered, data) = self.render(model, messages)?;
        let vocab = model.vocab();
        let mut tokens = Vec::new();
        for piece in split(&rendered, &data)? {
            let (text, special) = match piece {
                Part::Trusted(text) => (text, true),
                Part::Data(text) => (text, false),
            };
            // A model's own begin mark belongs before the first piece only.
            let first = tokens.is_empty();
            vocab.tokenize_into(text.as_bytes(), &mut tokens, first, special);
        }
        if let Some(prefix) = prefix {
            vocab.tokenize_into(prefix.as_bytes(), &mut tokens, false, false);
        }
        if tokens.is_empty() {
            return Err(ModelError::Failed("the prompt is empty".to_owned()));
        }
        Ok(tokens)
    }

    /// The conversation with marks in place of data, and the data.
    fn render(&self, model: &LlamaModel, messages: &[ChatMessage]) -> Result<(String, Vec<String>), ModelError> {
        let mut data = Vec::new();
        let mut chat = Vec::with_capacity(messages.len());
        for message in messages {
            let mut content = String::new();
            for part in &message.parts {
                match part {
                    Part::Trusted(text) => content.extend(text.chars().filter(|c| !matches!(*c, OPEN | CLOSE | '\0'))),
                    Part::Data(text) => {
                        content.push_str(&format!("{OPEN}{}{CLOSE}", data.len()));
                        data.push(text.clone());
                    }
                }
            }
            let message = LlamaChatMessage::new(message.role.as_str().to_owned(), content);
            chat.push(message.map_err(|error| ModelError::failed("a message cannot be written", error))?);
        }
        let rendered = model
            .apply_chat_template(&self.0, &chat, true)
            .map_err(|error| ModelError::failed("the model's chat template is not one that llama.cpp knows", error))?;
        Ok((rendered, data))
    }
}

/// The rendered text cut at its marks, with the data put in.
fn split(rendered: &str, data: &[String]) -> Result<Vec<Part>, ModelError> {
    let broken = || ModelError::Failed("the chat template changed a mark".to_owned());
    let mut pieces = Vec::new();
    let mut seen = 0;
    for (at, piece) in rendered.split(OPEN).enumerate() {
        let trusted = match at {
            0 => piece,
            _ => {
                let (number, rest) = piece.split_once(CLOSE).ok_or_else(broken)?;
                let text = number.parse().ok().and_then(|number: usize| data.get(number)).ok_or_else(broken)?;
                pieces.push(Part::Data(text.clone()));
                seen += 1;
                rest
            }
        };
        if !trusted.is_empty() {
            pieces.push(Part::Trusted(trusted.to_owned()));
        }
    }
    // A template that drops a message (some have no place for a system prompt) must not pass unseen.
    if seen == data.len() { Ok(pieces) } else { Err(broken()) }
}
