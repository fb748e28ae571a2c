//! How well the readable passages cover the question: the input of the abstention rule.
//!
//! Everything is computed from passages that passed the re-check, so that no figure tells of
//! a hidden document.

use crate::fuse::fair;
use fuente_contract::PassageId;
use fuente_contract::asked::Asked;
use fuente_contract::evidence::Hit;
use fuente_contract::search::Signals;
use fuente_vectors::{Bm25, Sparse};
use std::collections::{HashMap, HashSet};

/// The question's terms with their weights, and the terms of each hit. Terms are the engine's
/// own BM25 tokens (stemmed, stop words removed), so that "covered" means what it means there.
pub(crate) struct Terms {
    weights: HashMap<u32, f32>,
    total: f32,
    question: String,
    asked: Option<Asked>,
    placed: HashMap<PassageId, Held>,
}

/// What a passage, its title and headings included, holds of the question.
#[derive(Clone, Copy, Default)]
struct Held {
    bm25: f32,
    share: f32,
}

impl Terms {
    /// Weighs the question's terms by their rarity among `hits`.
    pub(crate) fn of(question: &str, lang: &str, hits: &[Hit]) -> Self {
        let wanted: HashSet<u32> = Bm25::query(question, lang).indices.into_iter().collect();
        let mut frequency: HashMap<u32, f32> = wanted.iter().map(|term| (*term, 0.0)).collect();
        for hit in hits {
            for term in terms(&hit.text, &hit.lang) {
                if let Some(count) = frequency.get_mut(&term) {
                    *count += 1.0;
                }
            }
        }
        #[allow(clippy::cast_precision_loss)] // at most a few dozen hits
        let many = hits.len() as f32;
        let weights: HashMap<u32, f32> =
            frequency.into_iter().map(|(term, count)| (term, (1.0 + (many + 1.0) / (count + 0.5)).ln())).collect();
        let total = weights.values().sum();
        let mut terms =
            Self { weights, total, question: question.to_owned(), asked: Asked::of(question), placed: HashMap::new() };
        // Once for each passage: cutting a text into terms is what costs here.
        terms.placed = hits.iter().map(|hit| (hit.passage, terms.place(hit))).collect();
        terms
    }

    fn place(&self, hit: &Hit) -> Held {
        let Sparse { indices, values } = Bm25::document(&with_place(hit), &hit.lang);
        let weighed = indices.iter().zip(&values).filter_map(|(at, tf)| Some((*self.weights.get(at)?, tf)));
        let (bm25, held) = weighed.fold((0.0, 0.0), |(bm25, held), (weight, tf)| (bm25 + weight * tf, held + weight));
        Held { bm25, share: if self.total > 0.0 { held / self.total } else { 0.0 } }
    }

    fn placed(&self, hit: &Hit) -> Held {
        self.placed.get(&hit.passage).copied().unwrap_or_default()
    }

    /// How well `text` can be the kind of thing that was asked for, 0 to 1; 0 where nothing tells.
    pub(crate) fn kind(&self, text: &str) -> f32 {
        self.asked.as_ref().map_or(0.0, |asked| asked.met(&self.question, text))
    }

    /// BM25 of a passage, its rarities counted over the readable candidates alone: the engine counts
    /// them over all passages of the tenant, and such a score would tell of hidden ones (I2).
    pub(crate) fn bm25(&self, hit: &Hit) -> f32 {
        self.placed(hit).bm25
    }

    /// Share of the question's weight that a passage holds, its title and headings included.
    pub(crate) fn held(&self, hit: &Hit) -> f32 {
        self.placed(hit).share
    }

    /// How far the sparse leg can be trusted: what its best passages of the asker's language hold of
    /// the question, from a fifth (chance) to a half (as good as it gets).
    pub(crate) fn trust(&self, hits: &[Hit], lang: &str) -> f32 {
        let mut worded: Vec<&Hit> = hits.iter().filter(|hit| hit.scores.sparse.is_some() && hit.lang == lang).collect();
        worded.sort_by(|a, b| b.scores.sparse.unwrap_or(0.0).total_cmp(&a.scores.sparse.unwrap_or(0.0)));
        let held = worded.iter().take(3).map(|hit| self.held(hit)).fold(0.0, f32::max);
        ((held - 0.2) / 0.3).clamp(0.0, 1.0)
    }

    /// Share of the question's weight that `text` holds, 0 to 1.
    pub(crate) fn coverage(&self, text: &str, lang: &str) -> f32 {
        if self.total <= 0.0 {
            return 0.0;
        }
        let held: f32 = terms(text, lang).iter().filter_map(|term| self.weights.get(term)).sum();
        held / self.total
    }
}

fn terms(text: &str, lang: &str) -> HashSet<u32> {
    Bm25::document(text, lang).indices.into_iter().collect()
}

/// Figures over all readable candidates (the title and headings count as part of a passage).
pub(crate) fn measure(terms: &Terms, hits: &[Hit], lang: &str) -> Signals {
    let mut dense: Vec<f32> = hits.iter().filter_map(|hit| fair(hit, lang)).collect();
    dense.sort_by(|a, b| b.total_cmp(a));
    let best = dense.first().copied().unwrap_or(0.0);
    Signals {
        dense: best,
        sparse: hits.iter().filter_map(|hit| hit.scores.sparse).fold(0.0, f32::max),
        coverage: hits.iter().take(5).map(|hit| terms.held(hit)).fold(0.0, f32::max),
        margin: best - dense.get(9).or(dense.last()).copied().unwrap_or(0.0),
    }
}

fn with_place(hit: &Hit) -> String {
    format!("{}\n{}\n{}", hit.title, hit.heading.join("\n"), hit.text)
}
