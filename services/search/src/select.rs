//! Evidence: windows of sentences, cut from the best passages until the token budget is full.
//!
//! Short prompts are what makes a CPU answer fast, so the best passage keeps most of its text
//! and the next ones only the neighbourhood of their best sentence.

use crate::error::from_model;
use crate::signals::Terms;
use fuente_contract::evidence::{Evidence, Hit, Sentence};
use fuente_contract::sentences::sentences;
use fuente_contract::{PassageId, Result};
use fuente_models::Embedder;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Shares of the budget by rank; what one window leaves unused goes to the next.
const SHARES: [f32; 5] = [0.5, 0.25, 0.15, 0.1, 0.1];
/// Sentences that are embedded by themselves for one question, beside the vectors stored for all: on 123
/// questions the right sentence is among the best three 102 times with ten, 94 times with none, and
/// each costs 10 ms.
const EMBEDDED_SENTENCES: usize = 10;
/// Passages whose sentences are read so, and the words from which a sentence is one and no heading.
const EMBEDDED_PASSAGES: usize = 4;
const HEADING_WORDS: usize = 4;
/// Weight of meaning against words in a sentence's score; cosines of this model differ by a few
/// hundredths where shares of covered words differ by tenths.
const MEANING: f32 = 8.0;
/// Weight of the words in the title and headings over a sentence, against those in it.
const PLACE: f32 = 0.3;
/// Weight of holding the kind of thing that was asked for: a figure, a sum, a time.
const KIND: f32 = 0.3;
/// Near-duplicates add tokens and no facts.
const SAME: f32 = 0.9;

/// The first `most` hits whose sentences are not nearly all in a better hit already.
pub(crate) fn without_duplicates(hits: Vec<Hit>, most: usize) -> Vec<Hit> {
    let most = most.max(SHARES.len());
    let mut kept: Vec<(Hit, HashSet<u64>)> = Vec::new();
    for hit in hits {
        if kept.len() == most {
            break;
        }
        let words = words(&hit.text);
        let repeats = kept.iter().any(|(_, seen)| {
            let shared = words.intersection(seen).count();
            #[allow(clippy::cast_precision_loss)] // a passage has some hundred words
            let share = shared as f32 / (words.len() + seen.len() - shared).max(1) as f32;
            share > SAME
        });
        if !repeats {
            kept.push((hit, words));
        }
    }
    kept.into_iter().map(|(hit, _)| hit).collect()
}

/// The words of a text, each as its hash.
fn words(text: &str) -> HashSet<u64> {
    let hashed = |word: &str| BuildHasherDefault::<DefaultHasher>::default().hash_one(word.to_lowercase());
    text.split_whitespace().map(hashed).collect()
}

/// Cosines of a passage's sentences with the question, as its stored vectors tell them.
pub(crate) type Cosines = HashMap<PassageId, Vec<f32>>;

/// The passages that evidence is cut from.
pub(crate) fn considered(hits: &[Hit]) -> &[Hit] {
    &hits[..hits.len().min(SHARES.len())]
}

/// Cuts evidence out of `hits` (best first) within `budget` tokens.
pub(crate) async fn evidence(
    embedder: &Embedder,
    question: &[f32],
    terms: &Terms,
    hits: &[Hit],
    stored: &Cosines,
    budget: u32,
) -> Result<Vec<Evidence>> {
    let hits = considered(hits);
    let mut split: Vec<Vec<Sentence>> = hits.iter().map(|hit| scored(hit, terms, stored.get(&hit.passage))).collect();
    by_meaning(embedder, question, hits, &mut split).await?;
    #[allow(clippy::cast_precision_loss)] // budgets are a few hundred tokens
    let budget = budget as f32;
    let (mut spent, mut chosen) = (0.0, Vec::new());
    let mut granted = 0.0;
    for ((hit, sentences), share) in hits.iter().zip(split).zip(SHARES) {
        granted += share * budget;
        let Some((window, best)) = grow(embedder, &sentences, granted.min(budget) - spent) else { continue };
        spent += window.iter().map(|sentence| cost(embedder, &sentence.text)).sum::<f32>();
        let number = u32::try_from(chosen.len() + 1).unwrap_or(u32::MAX);
        chosen.push(Evidence { number, hit: hit.clone(), sentences: window, best });
    }
    Ok(chosen)
}

fn scored(hit: &Hit, terms: &Terms, stored: Option<&Vec<f32>>) -> Vec<Sentence> {
    let mut position = Position::default();
    let placed = terms.coverage(&format!("{}\n{}", hit.title, hit.heading.join("\n")), &hit.lang);
    let ranges = sentences(&hit.text);
    // Vectors of another count are of another rule for sentences, and tell nothing; the passage's own
    // cosine then stands for each of its sentences.
    let stored = stored.filter(|cosines| cosines.len() == ranges.len());
    ranges
        .into_iter()
        .enumerate()
        .map(|(at, range)| {
            let text = hit.text[range.clone()].to_owned();
            let (start, end) = (position.at(&hit.text, range.start), position.at(&hit.text, range.end));
            let cosine = stored.map_or(hit.scores.dense.unwrap_or(0.0), |cosines| cosines[at]);
            let score = terms.coverage(&text, &hit.lang) + PLACE * placed + KIND * terms.kind(&text) + meaning(cosine);
            Sentence { char_start: hit.char_start + start, char_end: hit.char_start + end, text, score }
        })
        .collect()
}

/// What a cosine adds to a sentence's score.
fn meaning(cosine: f32) -> f32 {
    (cosine - 0.75).max(0.0) * MEANING
}

/// Turns rising byte offsets into character offsets in one pass.
#[derive(Default)]
struct Position {
    byte: usize,
    chars: u32,
}

impl Position {
    fn at(&mut self, text: &str, byte: usize) -> u32 {
        self.chars += u32::try_from(text[self.byte..byte].chars().count()).unwrap_or(u32::MAX);
        self.byte = byte;
        self.chars
    }
}

/// Reads the most promising sentences once more, each by itself: of each of the best passages in turn
/// the best one. In turn, because a passage in another language has no words in common.
async fn by_meaning(embedder: &Embedder, question: &[f32], hits: &[Hit], split: &mut [Vec<Sentence>]) -> Result<()> {
    let mut places: Vec<(usize, usize, usize)> = Vec::new();
    for (hit, list) in split.iter().enumerate().take(EMBEDDED_PASSAGES) {
        let mut own: Vec<usize> = (0..list.len()).filter(|at| says_something(&list[*at])).collect();
        own.sort_by(|a, b| list[*b].score.total_cmp(&list[*a].score).then(a.cmp(b)));
        places.extend(own.into_iter().enumerate().map(|(turn, at)| (turn, hit, at)));
    }
    places.sort_unstable();
    places.truncate(EMBEDDED_SENTENCES);
    let texts = places.iter().map(|(_, hit, at)| under_heading(&hits[*hit], &split[*hit][*at].text)).collect();
    let vectors = embedder.embed_queries(texts).await.map_err(from_model)?;
    for ((_, hit, at), vector) in places.into_iter().zip(vectors) {
        let cosine: f32 = vector.iter().zip(question).map(|(a, b)| a * b).sum();
        split[hit][at].score += meaning(cosine);
    }
    Ok(())
}

fn says_something(sentence: &Sentence) -> bool {
    sentence.text.split_whitespace().count() >= HEADING_WORDS
}

/// A list item or a table row means little without what it stands under.
fn under_heading(hit: &Hit, sentence: &str) -> String {
    format!("{}: {sentence}", hit.heading.last().unwrap_or(&hit.title))
}

/// The window around the best sentence that fits `room` tokens; at least that sentence where any room is left.
fn grow(embedder: &Embedder, sentences: &[Sentence], room: f32) -> Option<(Vec<Sentence>, u32)> {
    let best =
        (0..sentences.len()).max_by(|a, b| sentences[*a].score.total_cmp(&sentences[*b].score).then(b.cmp(a)))?;
    let costs: Vec<f32> = sentences.iter().map(|sentence| cost(embedder, &sentence.text)).collect();
    if room < 20.0 || costs[best] > room * 1.5 {
        return None;
    }
    let (mut from, mut to, mut spent) = (best, best + 1, costs[best]);
    loop {
        let after = (to < sentences.len() && spent + costs[to] <= room).then_some(to);
        let before = (from > 0 && spent + costs[from - 1] <= room).then(|| from - 1);
        match (after, before) {
            // What follows usually explains; what precedes usually introduces. Alternate, after first.
            (Some(next), previous) if previous.is_none() || to - best <= best - from => {
                spent += costs[next];
                to += 1;
            }
            (_, Some(previous)) => {
                spent += costs[previous];
                from -= 1;
            }
            (Some(_), None) | (None, None) => break,
        }
    }
    Some((sentences[from..to].to_vec(), u32::try_from(best - from).unwrap_or(0)))
}

/// Tokens of the generator, estimated by the embedder's tokenizer (which is at hand here).
fn cost(embedder: &Embedder, text: &str) -> f32 {
    #[allow(clippy::cast_precision_loss)] // a sentence has some dozen tokens
    let tokens = embedder.count_tokens(text) as f32;
    tokens * 1.15 + 1.0
}
