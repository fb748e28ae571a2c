//! How rare a word is, counted over the points that the query names as its corpus. The engine
//! knows only its whole shard, so its own weighing is off here and the query's weights are made
//! by the same formula before it sees them.

use super::shelf::fault;
use qdrant_edge::{
    EdgeShard, Filter, ScrollRequest, SparseVector, VectorInternal, VectorStructInternal, WithPayloadInterface,
    WithVector,
};
use std::collections::HashSet;
use tonic::Status;

/// The terms of a query, weighed by their rarity among the points of `corpus` (all where there is none).
pub(super) fn weighed(
    engine: &EdgeShard,
    space: &str,
    mut terms: SparseVector,
    corpus: Option<Filter>,
) -> Result<SparseVector, Status> {
    let page = ScrollRequest {
        offset: None,
        limit: Some(usize::MAX >> 1),
        filter: corpus,
        with_payload: Some(WithPayloadInterface::Bool(false)),
        with_vector: WithVector::Selector(vec![space.to_owned()]),
        order_by: None,
    };
    let (records, _) = engine.scroll(page).map_err(fault)?;
    let texts: Vec<HashSet<u32>> = records.into_iter().filter_map(|record| held(record.vector?, space)).collect();
    for (index, value) in terms.indices.iter().zip(&mut terms.values) {
        let having = texts.iter().filter(|text| text.contains(index)).count() as f32;
        *value *= ((texts.len() as f32 - having + 0.5) / (having + 0.5) + 1.0).ln();
    }
    Ok(terms)
}

/// The terms of one point; nothing where it has none.
fn held(vector: VectorStructInternal, space: &str) -> Option<HashSet<u32>> {
    match vector {
        VectorStructInternal::Named(mut named) => match named.remove(space)? {
            VectorInternal::Sparse(terms) => Some(terms.indices.into_iter().collect()),
            _ => None,
        },
        _ => None,
    }
}
