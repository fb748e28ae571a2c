//! The generator as a judge of its own evidence: does it state the answer?
//!
//! Asked before a word is written, over the very prompt that the answer then continues from, so that it
//! costs the reading of one short sentence. What counts is how likely "yes" is and not which word wins:
//! small models lean to one side, always the same, and the calibration takes that out.

use crate::ground::Grounding;
use crate::prompt;
use fuente_contract::Scope;
use fuente_models::{Part, WeighRequest};

const ENGLISH: &str = include_str!("../prompts/judge.en.txt");
const SPANISH: &str = include_str!("../prompts/judge.es.txt");

/// The question to the judge; the first choice is yes, the second no.
pub(crate) fn request(scope: &Scope, grounding: &Grounding) -> WeighRequest {
    let (question, yes, no) = match grounding.found.lang.as_str() {
        "es" => (SPANISH, ["sí", "Sí", "si", "Si"].as_slice(), ["no", "No"].as_slice()),
        _ => (ENGLISH, ["yes", "Yes"].as_slice(), ["no", "No"].as_slice()),
    };
    let mut messages = prompt::messages(grounding);
    if let Some(last) = messages.last_mut() {
        last.parts.push(Part::Trusted(format!("\n\n{}", question.trim())));
    }
    let spellings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    WeighRequest { tenant: scope.tenant(), messages, choices: vec![spellings(yes), spellings(no)] }
}

/// Log-odds of yes against no, within ±6: beyond that the model is only sure of its own wording.
pub(crate) fn log_odds(shares: &[f32]) -> Option<f32> {
    let [yes, no] = shares else { return None };
    (yes + no > 0.0).then(|| ((yes + 1e-6) / (no + 1e-6)).ln().clamp(-6.0, 6.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_are_even_bounded_or_unknown() {
        assert!(log_odds(&[0.4, 0.4]).is_some_and(|odds| odds.abs() < 1e-3));
        assert!(log_odds(&[0.9, 0.0]).is_some_and(|odds| (odds - 6.0).abs() < 1e-3));
        assert!(log_odds(&[0.0, 0.0]).is_none());
    }
}
