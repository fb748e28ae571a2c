//! Queries: the nearest points of one vector space, without fusion.

use super::super::refuse::{nothing_else, unknown};
use super::filter::condition_of;
use super::point::engine_sparse;
use qdrant_client::qdrant::query::Variant as AskedQuery;
use qdrant_client::qdrant::vector_input::Variant as AskedVector;
use qdrant_client::qdrant::{QueryPoints, SearchParams as AskedParams};
use qdrant_edge::external::ordered_float::OrderedFloat;
use qdrant_edge::{
    AcornSearchParams, NamedQuery, QueryEnum, QueryRequest, ScoringQuery, SearchParams, VectorInternal,
    WithPayloadInterface, WithVector,
};
use std::mem::take;
use tonic::Status;

/// How many hits where the query does not say, as in the protocol.
const USUAL_LIMIT: u64 = 10;

/// One query of a batch, which must be about the batch's collection.
pub(in super::super) fn engine_query(mut query: QueryPoints, collection: &str) -> Result<QueryRequest, Status> {
    if take(&mut query.collection_name) != collection {
        return Err(unknown("queries of several collections in one batch"));
    }
    let vector = match query.query.take().and_then(|query| query.variant) {
        Some(AskedQuery::Nearest(input)) => engine_input(input.variant)?,
        other => return Err(unknown(&format!("query {other:?}"))),
    };
    let space = query.using.take().ok_or_else(|| unknown("the unnamed vector"))?;
    let filter = query.filter.take().map(condition_of).transpose()?;
    let params = query.params.take().map(engine_params).transpose()?;
    let limit = query.limit.take().unwrap_or(USUAL_LIMIT);
    nothing_else(&query, "query")?;
    Ok(QueryRequest {
        prefetches: Vec::new(),
        query: Some(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(vector, space)))),
        filter,
        score_threshold: None,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        offset: 0,
        params,
        with_vector: WithVector::Bool(false),
        with_payload: WithPayloadInterface::Bool(false),
    })
}

fn engine_input(input: Option<AskedVector>) -> Result<VectorInternal, Status> {
    match input {
        Some(AskedVector::Dense(dense)) => Ok(VectorInternal::Dense(dense.data)),
        Some(AskedVector::Sparse(sparse)) => engine_sparse(sparse.indices, sparse.values).map(VectorInternal::Sparse),
        other => Err(unknown(&format!("query vector {other:?}"))),
    }
}

/// How to search. Statistics of one tenant's terms are beyond this engine, so they are
/// refused: counted over the whole collection they would be another result.
fn engine_params(mut params: AskedParams) -> Result<SearchParams, Status> {
    let exact = params.exact.take().unwrap_or_default();
    let indexed_only = params.indexed_only.take().unwrap_or_default();
    let hnsw_ef = params.hnsw_ef.take().and_then(|ef| usize::try_from(ef).ok());
    let acorn = params.acorn.take().map(|acorn| AcornSearchParams {
        enable: acorn.enable.unwrap_or_default(),
        max_selectivity: acorn.max_selectivity.map(OrderedFloat),
    });
    nothing_else(&params, "search params")?;
    Ok(SearchParams { hnsw_ef, exact, quantization: None, indexed_only, acorn })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qdrant_client::qdrant::{Filter, IdfParams, Query, VectorInput};

    fn nearest() -> QueryPoints {
        let query = Some(Query::new_nearest(VectorInput::new_dense(vec![1.0, 0.0])));
        QueryPoints { collection_name: "c".into(), query, using: Some("dense".into()), ..QueryPoints::default() }
    }

    #[test]
    fn unknown_options_are_errors() {
        assert!(engine_query(nearest(), "c").is_ok());
        let idf = IdfParams { corpus: Some(Filter::default()) };
        let by_tenant =
            QueryPoints { params: Some(AskedParams { idf: Some(idf), ..AskedParams::default() }), ..nearest() };
        let threshold = QueryPoints { score_threshold: Some(0.5), ..nearest() };
        let elsewhere = QueryPoints { collection_name: "d".into(), ..nearest() };
        for query in [by_tenant, threshold, elsewhere] {
            assert_eq!(engine_query(query, "c").unwrap_err().code(), tonic::Code::Unimplemented);
        }
    }
}
