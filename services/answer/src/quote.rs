//! The key sentences of the evidence, in the source's own words.
//!
//! A small model often finds the right place and words it badly, or says a bare "24". What the
//! source says is then shown beside it or instead of it: always true to the source, always cited.

use crate::cite::{Attributed, citation};
use crate::ground::Grounding;
use fuente_contract::answer::AnswerSentence;
use fuente_contract::evidence::{Evidence, Sentence};

/// Answers of fewer words say too little to stand alone.
const TERSE: usize = 5;
/// Key sentences on which an answer may rest; quotes beside a sentence of the model's own, and
/// instead of one.
const LIKELY: usize = 3;
const BESIDE: usize = 1;
const INSTEAD: usize = 3;

/// Completes what the model wrote: drops what is terse or unsupported where a key sentence can take
/// its place, and adds the key sentence where the answer does not rest on it already.
pub(crate) fn complete(grounding: &Grounding, written: Attributed) -> Attributed {
    let likely = keys(&grounding.found.evidence, LIKELY);
    // A sentence may be carried by the evidence and still answer another question: what it rests on
    // must be among the sentences that fit this one.
    let rests_well = |at: usize| {
        written.citations.iter().filter(|cited| cited.sentence as usize == at).any(|cited| {
            likely
                .iter()
                .any(|(evidence, key)| cited.passage == evidence.hit.passage && cited.char_start == key.char_start)
        })
    };
    let stands = |sentence: &AnswerSentence| sentence.supported && sentence.text.split_whitespace().count() >= TERSE;
    let kept: Vec<usize> =
        (0..written.sentences.len()).filter(|at| stands(&written.sentences[*at]) && rests_well(*at)).collect();
    let keys = keys(&grounding.found.evidence, if kept.is_empty() { INSTEAD } else { BESIDE });
    if keys.is_empty() {
        return written;
    }
    let mut made = Attributed { sentences: Vec::new(), citations: Vec::new() };
    for at in kept {
        let number = made.number();
        let of = |cited: &&fuente_contract::answer::Citation| cited.sentence as usize == at;
        let moved: Vec<_> = written
            .citations
            .iter()
            .filter(of)
            .cloned()
            .map(|mut cited| {
                cited.sentence = number;
                cited
            })
            .collect();
        made.citations.extend(moved);
        made.sentences.push(written.sentences[at].clone());
    }
    for (evidence, sentence) in keys {
        let rests = made
            .citations
            .iter()
            .any(|cited| cited.passage == evidence.hit.passage && cited.char_start == sentence.char_start);
        let Some(cited) = citation(evidence, sentence, made.number()).filter(|_| !rests) else { continue };
        let text = format!("{}: “{}”", evidence.hit.title, sentence.text.trim().trim_start_matches("- "));
        made.sentences.push(AnswerSentence { text, supported: true });
        made.citations.push(cited);
    }
    made
}

/// The sentences that fit the question best, over all of the evidence.
fn keys(evidence: &[Evidence], most: usize) -> Vec<(&Evidence, &Sentence)> {
    let mut all: Vec<(&Evidence, &Sentence)> = evidence
        .iter()
        .flat_map(|evidence| evidence.sentences.iter().map(move |sentence| (evidence, sentence)))
        .collect();
    // Headings and crumbs fit many questions and answer none.
    all.retain(|(_, sentence)| sentence.text.split_whitespace().count() >= 4);
    all.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
    all.truncate(most);
    all
}
