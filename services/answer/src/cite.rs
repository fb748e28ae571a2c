//! Attribution: each sentence of the answer to the sentences of the evidence that carry it.
//!
//! The server decides, not the model: first by the facts and figures that both hold, then by
//! similarity of meaning (which is what carries an answer across languages). A figure that no
//! cited sentence holds makes its sentence unsupported, however similar the rest is.

use crate::error::from_model;
use crate::ground::Grounding;
use crate::words::{fact_set, figures};
use fuente_contract::Result;
use fuente_contract::answer::{AnswerSentence, Citation, quote_hash};
use fuente_contract::evidence::{Evidence, Sentence};
use fuente_contract::sentences::sentences;
use fuente_models::Embedder;
use std::collections::HashSet;

/// Share of an answer's own facts that the cited sentences must hold.
const CARRIED: f32 = 0.5;
/// Cosine from which two sentences of different words say the same.
const SAME_MEANING: f32 = 0.87;
/// Citations of one sentence.
const MOST: usize = 3;
/// Share of a sentence's words that what it cites must hold, its place and the sentence before included.
const ON_SUBJECT: f32 = 0.5;
/// Evidence sentences compared by meaning.
const COMPARED: usize = 24;

/// An answer with its support.
#[derive(Clone)]
pub(crate) struct Attributed {
    pub(crate) sentences: Vec<AnswerSentence>,
    pub(crate) citations: Vec<Citation>,
    /// A sentence shares its figures with what it cites and little else: the quote is true, but whether
    /// it says this is for the reader to judge.
    pub(crate) in_doubt: bool,
}

impl Attributed {
    /// Index of the sentence that comes next.
    pub(crate) fn number(&self) -> u32 {
        u32::try_from(self.sentences.len()).unwrap_or(u32::MAX)
    }
}

struct Source<'a> {
    evidence: &'a Evidence,
    sentence: &'a Sentence,
    facts: HashSet<String>,
    figures: HashSet<String>,
    /// Facts of the sentence before.
    before: HashSet<String>,
}

/// Attributes `answer` to the evidence of `grounding`.
pub(crate) async fn attribute(embedder: &Embedder, grounding: &Grounding, answer: &str) -> Result<Attributed> {
    let sources = sources(&grounding.found.evidence);
    let asked = fact_set(&grounding.question.standalone);
    let known: HashSet<String> = figures(&grounding.question.standalone).into_iter().collect();
    let mut attributed = Attributed { sentences: Vec::new(), citations: Vec::new(), in_doubt: false };
    for range in sentences(answer) {
        let text = answer[range].trim();
        if text.is_empty() {
            continue;
        }
        let claim = Claim::of(text, &asked, &known);
        let mut chosen = claim.by_facts(&sources);
        if chosen.is_empty() {
            chosen = claim.by_meaning(embedder, &sources).await?;
        }
        attributed.in_doubt |= !claim.is_on_subject(&chosen, &grounding.found.lang);
        let number = attributed.number();
        let cited: Vec<Citation> =
            chosen.iter().filter_map(|source| citation(source.evidence, source.sentence, number)).collect();
        attributed.sentences.push(AnswerSentence { text: text.to_owned(), supported: !cited.is_empty() });
        attributed.citations.extend(cited);
    }
    Ok(attributed)
}

fn sources(evidence: &[Evidence]) -> Vec<Source<'_>> {
    let place = |evidence: &Evidence| format!("{} {}", evidence.hit.title, evidence.hit.heading.join(" "));
    evidence
        .iter()
        .flat_map(|evidence| (0..evidence.sentences.len()).map(move |at| (evidence, at, &evidence.sentences[at])))
        .map(|(evidence, at, sentence)| Source {
            before: at.checked_sub(1).map(|at| fact_set(&evidence.sentences[at].text)).unwrap_or_default(),
            evidence,
            sentence,
            facts: fact_set(&format!("{} {}", place(evidence), sentence.text)),
            figures: figures(&format!("{} {}", place(evidence), sentence.text)).into_iter().collect(),
        })
        .collect()
}

/// One sentence of the answer, as what must be carried.
struct Claim<'a> {
    text: &'a str,
    /// Facts beyond those of the question: repeating the question proves nothing.
    own: HashSet<String>,
    all: HashSet<String>,
    figures: Vec<String>,
}

impl<'a> Claim<'a> {
    fn of(text: &'a str, asked: &HashSet<String>, known: &HashSet<String>) -> Self {
        let all = fact_set(text);
        let own = all.difference(asked).cloned().collect();
        let figures = figures(text).into_iter().filter(|figure| !known.contains(figure)).collect();
        Self { text, own, all, figures }
    }

    /// The sentences that hold the claim's facts, the best first, others only for what is still missing.
    fn by_facts<'s>(&self, sources: &'s [Source<'s>]) -> Vec<&'s Source<'s>> {
        let (mut facts, mut numbers) = (HashSet::new(), HashSet::new());
        let mut chosen: Vec<&Source<'_>> = Vec::new();
        while chosen.len() < MOST {
            let gain = |source: &Source<'_>| {
                let new = self.own.iter().filter(|fact| source.facts.contains(*fact) && !facts.contains(*fact)).count();
                let figures =
                    self.figures.iter().filter(|f| source.figures.contains(*f) && !numbers.contains(*f)).count();
                let shared = if chosen.is_empty() { self.all.intersection(&source.facts).count() } else { 0 };
                figures * 6 + new * 3 + shared
            };
            let Some((best, worth)) = sources
                .iter()
                .enumerate()
                .map(|(at, source)| (at, gain(source)))
                .max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))
            else {
                break;
            };
            // A further citation must bring at least a figure or two facts that are still missing.
            if worth == 0 || (!chosen.is_empty() && worth < 6) {
                break;
            }
            facts.extend(sources[best].facts.iter().cloned());
            numbers.extend(sources[best].figures.iter().cloned());
            chosen.push(&sources[best]);
        }
        let figures_held = self.figures.iter().all(|figure| numbers.contains(figure));
        let basis = if self.own.is_empty() { &self.all } else { &self.own };
        #[allow(clippy::cast_precision_loss)] // a sentence has a few dozen words
        let carried = basis.intersection(&facts).count() as f32 / basis.len().max(1) as f32;
        let enough = if self.own.is_empty() { 0.8 } else { CARRIED };
        if figures_held && !basis.is_empty() && carried >= enough { chosen } else { Vec::new() }
    }

    /// Whether what is cited speaks of what the claim speaks of. "The password is 49" may cite "Room 49" for
    /// its figure and still say what nobody said. Across languages words cannot tell, and nothing is said.
    fn is_on_subject(&self, chosen: &[&Source<'_>], lang: &str) -> bool {
        let words: Vec<&String> = self.all.iter().filter(|word| !word.chars().any(|c| c.is_ascii_digit())).collect();
        if words.len() < 2 || chosen.iter().any(|source| source.evidence.hit.lang != lang) {
            return true;
        }
        let held: HashSet<&String> = chosen.iter().flat_map(|source| source.facts.union(&source.before)).collect();
        #[allow(clippy::cast_precision_loss)] // a sentence has a few dozen words
        let share = words.iter().filter(|word| held.contains(**word)).count() as f32 / words.len() as f32;
        chosen.is_empty() || share >= ON_SUBJECT
    }

    /// The one sentence that says the same in other words, if it also holds the claim's figures.
    async fn by_meaning<'s>(&self, embedder: &Embedder, sources: &'s [Source<'s>]) -> Result<Vec<&'s Source<'s>>> {
        let holds = |source: &&Source<'_>| self.figures.iter().all(|figure| source.figures.contains(figure));
        let candidates: Vec<&Source<'_>> = sources.iter().filter(holds).take(COMPARED).collect();
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let mut texts = vec![self.text.to_owned()];
        texts.extend(candidates.iter().map(|source| source.sentence.text.clone()));
        let mut vectors = embedder.embed_queries(texts).await.map_err(from_model)?.into_iter();
        let Some(claim) = vectors.next() else { return Ok(Vec::new()) };
        let best = candidates
            .into_iter()
            .zip(vectors)
            .map(|(source, vector)| (vector.iter().zip(&claim).map(|(a, b)| a * b).sum::<f32>(), source))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        Ok(best.filter(|(cosine, _)| *cosine >= SAME_MEANING).map(|(_, source)| source).into_iter().collect())
    }
}

/// The citation of a sentence, or nothing where it does not verify against the passage (I7).
pub(crate) fn citation(evidence: &Evidence, source: &Sentence, sentence: u32) -> Option<Citation> {
    let hit = &evidence.hit;
    let quote = source.text.clone();
    let made = Citation {
        evidence: evidence.number,
        sentence,
        document: hit.document,
        version: hit.version,
        passage: hit.passage,
        title: hit.title.clone(),
        page: hit.page_from,
        char_start: source.char_start,
        char_end: source.char_end,
        quote_sha256: quote_hash(&quote),
        quote,
    };
    let local = Citation {
        char_start: made.char_start.checked_sub(hit.char_start)?,
        char_end: made.char_end.checked_sub(hit.char_start)?,
        ..made.clone()
    };
    local.verifies(&hit.text).then_some(made)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use fuente_contract::{DocumentId, PassageId, VersionId};

    /// A citation of the first sentence, with this quote.
    pub(crate) fn quoted(quote: &str) -> Citation {
        Citation {
            evidence: 1,
            sentence: 0,
            document: DocumentId::fresh(),
            version: VersionId::fresh(),
            passage: PassageId::fresh(),
            title: "A policy".to_owned(),
            page: 1,
            char_start: 0,
            char_end: u32::try_from(quote.chars().count()).unwrap_or(u32::MAX),
            quote: quote.to_owned(),
            quote_sha256: quote_hash(quote),
        }
    }

    fn evidence(title: &str, sentences: &[&str]) -> Evidence {
        use fuente_contract::LibraryId;
        use fuente_contract::evidence::{Hit, Scores};
        let text = sentences.join(" ");
        let hit = Hit {
            passage: PassageId::fresh(),
            document: DocumentId::fresh(),
            version: VersionId::fresh(),
            library: LibraryId::fresh(),
            title: title.to_owned(),
            heading: Vec::new(),
            page_from: 1,
            page_to: 1,
            char_start: 0,
            char_end: u32::try_from(text.chars().count()).unwrap(),
            text,
            lang: "en".to_owned(),
            scores: Scores::default(),
        };
        let sentence = |text: &&str| Sentence { char_start: 0, char_end: 1, text: (*text).to_owned(), score: 0.0 };
        Evidence { number: 1, hit, sentences: sentences.iter().map(sentence).collect(), best: 0 }
    }

    #[test]
    fn a_shared_figure_is_not_a_shared_subject() {
        let evidence = [
            evidence("Inventory", &["Row 48 says 17.", "Row 49 says 0a4e9c."]),
            evidence("Project Kestrel", &["The price is €11.4 million at closing."]),
            evidence("Leave", &["Annual leave in Cork", "Full-time staff have 26 days."]),
        ];
        let sources = sources(&evidence);
        let on_subject = |text: &str, lang: &str| {
            // What the question says already need not be carried.
            let asked = fact_set("What is the admin password?");
            let claim = Claim::of(text, &asked, &HashSet::new());
            let chosen = claim.by_facts(&sources);
            assert!(!chosen.is_empty(), "{text}");
            claim.is_on_subject(&chosen, lang)
        };
        assert!(!on_subject("The admin password is 0a4e9c.", "en"));
        assert!(on_subject("The admin password is 0a4e9c.", "es"), "words cannot tell across languages");
        assert!(on_subject("The price at closing of Kestrel is €11.4 million.", "en"));
        assert!(on_subject("Staff in Cork have 26 days of annual leave.", "en"), "the sentence before counts");
    }
}
