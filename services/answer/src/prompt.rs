//! The prompt: instructions first, then evidence in a fixed order, then the question, so that
//! prompts that share a beginning share its prefill. Document text is always `Data`: its bytes
//! are tokenised without special tokens, whatever they spell.

use crate::ground::Grounding;
use fuente_contract::evidence::Evidence;
use fuente_models::{ChatMessage, ChatRole, Part};
use sha2::{Digest, Sha256};

const ENGLISH: &str = include_str!("../prompts/system.en.txt");
const SPANISH: &str = include_str!("../prompts/system.es.txt");
const OTHER: &str = include_str!("../prompts/system.other.txt");

/// The messages for one grounded question.
pub(crate) fn messages(grounding: &Grounding) -> Vec<ChatMessage> {
    let lang = grounding.found.lang.as_str();
    let mut parts = Vec::new();
    for evidence in &grounding.found.evidence {
        parts.push(Part::Trusted(format!("[{}] ", evidence.number)));
        parts.push(Part::Data(format!("{}\n{}\n\n", place(evidence), text(evidence))));
    }
    parts.push(Part::Trusted(if lang == "es" { "Pregunta: " } else { "Question: " }.to_owned()));
    parts.push(Part::Data(grounding.question.standalone.clone()));
    vec![
        ChatMessage { role: ChatRole::System, parts: vec![Part::Trusted(system(lang))] },
        ChatMessage { role: ChatRole::User, parts },
    ]
}

/// Hex SHA-256 over the roles and parts, for the trace.
pub(crate) fn hash(messages: &[ChatMessage]) -> String {
    let mut hasher = Sha256::new();
    for message in messages {
        hasher.update(format!("{:?}\n", message.role));
        for part in &message.parts {
            let (Part::Trusted(text) | Part::Data(text)) = part;
            hasher.update(text.as_bytes());
        }
    }
    hex::encode(hasher.finalize())
}

fn system(lang: &str) -> String {
    match lang {
        "en" => ENGLISH.trim().to_owned(),
        "es" => SPANISH.trim().to_owned(),
        other => OTHER.trim().replace("{language}", language(other)),
    }
}

fn language(code: &str) -> &'static str {
    match code {
        "fr" => "French",
        "de" => "German",
        "pt" => "Portuguese",
        "it" => "Italian",
        _ => "English",
    }
}

/// Title and headings: they often hold the words that the text itself takes for granted.
fn place(evidence: &Evidence) -> String {
    let mut names = vec![evidence.hit.title.as_str()];
    names.extend(evidence.hit.heading.iter().map(String::as_str).filter(|name| *name != evidence.hit.title));
    names.join(" > ")
}

fn text(evidence: &Evidence) -> String {
    let sentences: Vec<&str> = evidence.sentences.iter().map(|sentence| sentence.text.trim()).collect();
    sentences.join(" ")
}
