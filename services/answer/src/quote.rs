//! The key sentences of the evidence, in the source's own words.
//!
//! A small model often finds the right place and words it badly, or says a bare "24". What the
//! source says is then shown beside it or instead of it: always true to the source, always cited.

use crate::cite::{Attributed, citation};
use crate::ground::Grounding;
use fuente_contract::PassageId;
use fuente_contract::answer::{AnswerSentence, Citation};
use fuente_contract::evidence::{Evidence, Sentence};

/// Answers of fewer words say too little to stand alone.
const TERSE: usize = 5;
/// Key sentences on which an answer may rest.
const LIKELY: usize = 3;
/// Quotes beside an answer that rests on a key sentence, beside one that rests on others, and instead of
/// one that nothing carries.
const BESIDE: usize = 1;
const IN_DOUBT: usize = 2;
const INSTEAD: usize = 3;

/// Completes what the model wrote: drops what nothing carries, says what is terse in the words of its
/// source, and adds key sentences where the answer does not rest on them already.
pub(crate) fn complete(grounding: &Grounding, written: &Attributed) -> Attributed {
    let likely = keys(&grounding.found.evidence, LIKELY);
    let mut made = Attributed { sentences: Vec::new(), citations: Vec::new(), in_doubt: written.in_doubt };
    for (at, sentence) in written.sentences.iter().enumerate().filter(|(_, sentence)| sentence.supported) {
        let own: Vec<&Citation> = written.citations.iter().filter(|cited| cited.sentence as usize == at).collect();
        if sentence.text.split_whitespace().count() >= TERSE {
            made.push(sentence.text.clone(), own.into_iter().cloned());
        } else if let Some(cited) = own.first().filter(|cited| !made.cites(cited.passage, cited.char_start)) {
            made.push(in_its_words(&cited.title, &cited.quote), [(*cited).clone()]);
        }
    }
    // A sentence may be carried by the evidence and still answer another question: what it rests on
    // should be among the sentences that fit this one.
    let rests = likely.iter().any(|(evidence, key)| made.cites(evidence.hit.passage, key.char_start));
    let most = match (made.sentences.is_empty(), rests) {
        (true, _) => INSTEAD,
        (false, false) => IN_DOUBT,
        (false, true) => BESIDE,
    };
    for (evidence, sentence) in likely.into_iter().take(most) {
        let cited = citation(evidence, sentence, 0).filter(|cited| !made.cites(cited.passage, cited.char_start));
        if let Some(cited) = cited {
            made.push(in_its_words(&cited.title, &cited.quote), [cited]);
        }
    }
    if made.sentences.is_empty() { written.clone() } else { made }
}

fn in_its_words(title: &str, quote: &str) -> String {
    format!("{title}: “{}”", quote.trim().trim_start_matches("- "))
}

impl Attributed {
    /// Adds a sentence that these citations carry.
    fn push(&mut self, text: String, citations: impl IntoIterator<Item = Citation>) {
        let sentence = self.number();
        self.citations.extend(citations.into_iter().map(|cited| Citation { sentence, ..cited }));
        self.sentences.push(AnswerSentence { text, supported: true });
    }

    fn cites(&self, passage: PassageId, char_start: u32) -> bool {
        self.citations.iter().any(|cited| cited.passage == passage && cited.char_start == char_start)
    }
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
