//! Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009) of the two legs.
//!
//! Fused here and not in the engine, because the raw scores of both legs feed the abstention
//! rule and the trace, and because the engine leaves ties in no order: here the same question
//! always gives the same ranking.

use fuente_contract::PassageId;
use fuente_contract::evidence::Scores;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_high_on_both_legs_beats_the_first_of_one() {
        let ids: Vec<PassageId> = (0..3).map(|_| PassageId::fresh()).collect();
        let legs = Legs {
            dense: vec![(ids[0], 0.9), (ids[1], 0.8)],
            sparse: vec![(ids[2], 12.0), (ids[1], 11.0)],
        };
        let ranked = rrf(&legs, 60);
        assert_eq!(ranked[0].0, ids[1]);
        assert_eq!(ranked[0].1.dense, Some(0.8));
        assert_eq!(ranked[0].1.sparse, Some(11.0));
        // The other two tie, so their order is that of their ids, every time.
        assert!(ranked[1].0 < ranked[2].0);
    }
}
