//! Evidence: windows of sentences, cut from the best passages until the token budget is full.
//!
//! Short prompts are what makes a CPU answer fast, so the best passage keeps most of its text
//! and the next ones only the neighbourhood of their best sentence.

use crate::error::from_model;
use crate::signals::Terms;
use fuente_contract::Result;
use fuente_contract::evidence::{Evidence, Hit, Sentence};
use fuente_contract::sentences::sentences;
use fuente_models::Embedder;

/// Shares of the budget by rank; what one window leaves unused goes to the next.
const SHARES: [f32; 5] = [0.5, 0.25, 0.15, 0.1, 0.1];
/// Sentences compared by meaning: more would cost the half second that evidence may take.
const EMBEDDED_SENTENCES: usize = 16;
/// Above this share of covered terms, words alone tell the best sentence.
const COVERED: f32 = 0.6;
/// Near-duplicates add tokens and no facts.
const SAME: f32 = 0.9;

/// Drops hits whose sentences are nearly all in a better hit already.
pub(crate) fn without_duplicates(hits: Vec<Hit>) -> Vec<Hit> {
    let mut kept: Vec<(Hit, std::collections::HashSet<String>)> = Vec::new();
    for hit in hits {
        let words: std::collections::HashSet<String> =
            hit.text.split_whitespace().map(str::to_lowercase).collect();
        let repeats = kept.iter().any(|(_, seen)| {
            #[allow(clippy::cast_precision_loss)] // a passage has some hundred words
            let shared = words.intersection(seen).count() as f32 / words.union(seen).count().max(1) as f32;
            shared > SAME
        });
        if !repeats {
            kept.push((hit, words));
        }
    }
    kept.into_iter().map(|(hit, _)| hit).collect()
}

/// Cuts evidence out of `hits` (best first) within `budget` tokens.
pub(crate) async fn evidence(
    embedder: &Embedder,
    question: &[f32],
    terms: &Terms,
    hits: &[Hit],
    budget: u32,
) -> Result<Vec<Evidence>> {
    let mut split: Vec<Vec<Sentence>> = hits.iter().take(SHARES.len()).map(|hit| scored(hit, terms)).collect();
    by_meaning(embedder, question, &mut split).await?;
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

fn scored(hit: &Hit, terms: &Terms) -> Vec<Sentence> {
    let mut position = Position::default();
    sentences(&hit.text)
        .into_iter()
        .map(|range| {
            let text = hit.text[range.clone()].to_owned();
            let (start, end) = (position.at(&hit.text, range.start), position.at(&hit.text, range.end));
            let score = terms.coverage(&text, &hit.lang);
            Sentence { char_start: hit.char_start + start, char_end: hit.char_start + end, text, score }
        })
        .collect()
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

/// Adds similarity of meaning where words do not tell (another language, other words).
async fn by_meaning(embedder: &Embedder, question: &[f32], split: &mut [Vec<Sentence>]) -> Result<()> {
    let covered = split.iter().take(2).flatten().map(|sentence| sentence.score).fold(0.0, f32::max);
    if covered >= COVERED {
        return Ok(());
    }
    let places: Vec<(usize, usize)> = split
        .iter()
        .enumerate()
        .flat_map(|(hit, list)| (0..list.len()).map(move |at| (hit, at)))
        .take(EMBEDDED_SENTENCES)
        .collect();
    let texts = places.iter().map(|(hit, at)| split[*hit][*at].text.clone()).collect();
    let vectors = embedder.embed_queries(texts).await.map_err(from_model)?;
    for ((hit, at), vector) in places.into_iter().zip(vectors) {
        let cosine: f32 = vector.iter().zip(question).map(|(a, b)| a * b).sum();
        // Cosines of this model lie between 0.7 and 0.95: spread them over 0 to 1.
        split[hit][at].score += ((cosine - 0.7) * 4.0).clamp(0.0, 1.0);
    }
    Ok(())
}

/// The window around the best sentence that fits `room` tokens; at least that sentence where any room is left.
fn grow(embedder: &Embedder, sentences: &[Sentence], room: f32) -> Option<(Vec<Sentence>, u32)> {
    let best = (0..sentences.len()).max_by(|a, b| sentences[*a].score.total_cmp(&sentences[*b].score).then(b.cmp(a)))?;
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
