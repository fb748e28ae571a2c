//! Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009) of the two legs.
//!
//! Fused here and not in the engine, because the raw scores of both legs feed the abstention
//! rule and the trace, and because the engine leaves ties in no order: here the same question
//! always gives the same ranking.

use fuente_contract::PassageId;
use fuente_contract::evidence::{Hit, Scores};
use fuente_vectors::Legs;
use std::collections::HashMap;

/// Fuses the legs with equal weights; best first, ties by id.
pub(crate) fn rrf(legs: &Legs, k: u32) -> Vec<(PassageId, Scores)> {
    let mut scores: HashMap<PassageId, Scores> = HashMap::new();
    #[allow(clippy::cast_precision_loss)] // ranks are below a thousand
    let share = |rank: usize| 1.0 / (k as f32 + rank as f32 + 1.0);
    for (rank, (id, score)) in legs.dense.iter().enumerate() {
        let entry = scores.entry(*id).or_default();
        entry.fused += share(rank);
        entry.dense = Some(*score);
    }
    for (rank, (id, score)) in legs.sparse.iter().enumerate() {
        let entry = scores.entry(*id).or_default();
        entry.fused += share(rank);
        entry.sparse = Some(*score);
    }
    let mut ranked: Vec<_> = scores.into_iter().collect();
    ranked.sort_by(|(id_a, a), (id_b, b)| b.fused.total_cmp(&a.fused).then(id_a.cmp(id_b)));
    ranked
}

/// What a passage in another language gets for the sparse leg, as a share of its dense one. BM25
/// cannot see such a passage, so the leg must not vote against it; a little less than a full vote
/// keeps a passage of the asker's own language ahead where both say the same.
const UNSEEN: f32 = 0.9;

/// What the embedding model gives a passage for being written in the language of the question, as a
/// difference of cosines. Taken back before passages of several languages are ranked together.
const OWN_LANGUAGE: f32 = 0.02;

/// How much the whole of the question's words in one passage adds to its fused score.
const HELD: f32 = 0.3;

/// Ranks again what passed the re-check, now that its language and words are known. The sparse leg
/// votes with the weight `trust`: the share of the question's words that its best passages hold.
/// Where they hold few, what it returns is chance, and the dense leg decides.
///
/// Ranks forget by how much: a passage that alone holds the number or the name asked for stands one rank
/// above the next on one leg, and anywhere among its near-twins on the other. `held`, the share of the
/// question's words (by weight) that each passage holds, keeps what ranks forget.
pub(crate) fn weigh(hits: &mut [Hit], lang: &str, k: u32, trust: f32, held: impl Fn(&Hit) -> f32) {
    let dense = shares(hits, k, |hit| fair(hit, lang));
    let sparse = shares(hits, k, |hit| hit.scores.sparse);
    for hit in hits.iter_mut() {
        let meant = dense.get(&hit.passage).copied().unwrap_or(0.0);
        let worded = sparse.get(&hit.passage).copied().unwrap_or(0.0);
        let unseen = if hit.lang == lang { 0.0 } else { UNSEEN * meant };
        hit.scores.fused = meant + (trust * worded).max(trust.max(0.3) * unseen);
    }
    let shares: Vec<f32> = hits.iter().map(held).collect();
    let most = shares.iter().copied().fold(0.0, f32::max);
    for (hit, share) in hits.iter_mut().zip(shares) {
        let held = if hit.lang == lang { share } else { UNSEEN * most };
        hit.scores.fused *= 1.0 + HELD * held;
    }
    hits.sort_by(|a, b| b.scores.fused.total_cmp(&a.scores.fused).then(a.passage.cmp(&b.passage)));
}

/// Cosine of a passage as if it were written in the language of the question.
pub(crate) fn fair(hit: &Hit, lang: &str) -> Option<f32> {
    hit.scores.dense.map(|dense| if hit.lang == lang { dense } else { dense + OWN_LANGUAGE })
}

/// Each passage's reciprocal rank on one leg.
fn shares(hits: &[Hit], k: u32, score: impl Fn(&Hit) -> Option<f32>) -> HashMap<PassageId, f32> {
    let mut ranked: Vec<(f32, PassageId)> = hits.iter().filter_map(|hit| Some((score(hit)?, hit.passage))).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    #[allow(clippy::cast_precision_loss)] // ranks are below a thousand
    let share = |rank: usize| 1.0 / (k as f32 + rank as f32 + 1.0);
    ranked.into_iter().enumerate().map(|(rank, (_, id))| (id, share(rank))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_high_on_both_legs_beats_the_first_of_one() {
        let ids: Vec<PassageId> = (0..3).map(|_| PassageId::fresh()).collect();
        let legs = Legs { dense: vec![(ids[0], 0.9), (ids[1], 0.8)], sparse: vec![(ids[2], 12.0), (ids[1], 11.0)] };
        let ranked = rrf(&legs, 60);
        assert_eq!(ranked[0].0, ids[1]);
        assert_eq!(ranked[0].1.dense, Some(0.8));
        assert_eq!(ranked[0].1.sparse, Some(11.0));
        // The other two tie, so their order is that of their ids, every time.
        assert!(ranked[1].0 < ranked[2].0);
    }
}
