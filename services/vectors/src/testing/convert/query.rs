//! Queries: the nearest points of one vector space, without fusion.

use super::super::refuse::{nothing_else, unknown};
use super::filter::condition_of;
use super::point::engine_sparse;
use qdrant_client::qdrant::query::Variant as AskedQuery;
use qdrant_client::qdrant::vector_input::Variant as AskedVector;
use qdrant_client::qdrant::{QueryPoints, SearchParams as AskedParams};
use qdrant_edge::external::ordered_float::OrderedFloat;
use qdrant_edge::{
    AcornSearchParams, Filter, NamedQuery, QueryEnum, QueryRequest, ScoringQuery, SearchParams, VectorInternal,
    WithPayloadInterface, WithVector,
};
use std::mem::take;
use tonic::Status;

/// How many hits where the query does not say, as in the protocol.
const USUAL_LIMIT: u64 = 10;

/// One query: what the engine is asked, and what it is asked about apart from it.
#[derive(Debug)]
pub(in super::super) struct Asked {
    pub(in super::super) vector: VectorInternal,
    pub(in super::super) space: String,
    /// Where rarity of terms is counted; over everything where there is none.
    pub(in super::super) corpus: Option<Filter>,
    filter: Option<Filter>,
    limit: usize,
    params: Option<SearchParams>,
}

impl Asked {
    /// The query for the engine.
    pub(in super::super) fn request(self) -> QueryRequest {
        QueryRequest {
            prefetches: Vec::new(),
            query: Some(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(self.vector, self.space)))),
            filter: self.filter,
            score_threshold: None,
            limit: self.limit,
            offset: 0,
            params: self.params,
            with_vector: WithVector::Bool(false),
            with_payload: WithPayloadInterface::Bool(false),
        }
    }
}

/// One query of a batch, which must be about the batch's collection.
pub(in super::super) fn engine_query(mut query: QueryPoints, collection: &str) -> Result<Asked, Status> {
    if take(&mut query.collection_name) != collection {
        return Err(unknown("queries of several collections in one batch"));
    }
    let vector = match query.query.take().and_then(|query| query.variant) {
        Some(AskedQuery::Nearest(input)) => engine_input(input.variant)?,
        other => return Err(unknown(&format!("query {other:?}"))),
    };
    let space = query.using.take().ok_or_else(|| unknown("the unnamed vector"))?;
    let filter = query.filter.take().map(condition_of).transpose()?;
    let mut params = query.params.take();
    let corpus = params.as_mut().and_then(|params| params.idf.take()).and_then(|idf| idf.corpus);
    let corpus = corpus.map(condition_of).transpose()?;
    if corpus.is_some() && !matches!(vector, VectorInternal::Sparse(_)) {
        return Err(unknown("a corpus for a dense vector"));
    }
    let params = params.map(engine_params).transpose()?;
    let limit = query.limit.take().unwrap_or(USUAL_LIMIT);
    nothing_else(&query, "query")?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Asked { vector, space, corpus, filter, limit, params })
}

fn engine_input(input: Option<AskedVector>) -> Result<VectorInternal, Status> {
    match input {
        Some(AskedVector::Dense(dense)) => Ok(VectorInternal::Dense(dense.data)),
        Some(AskedVector::Sparse(sparse)) => engine_sparse(sparse.indices, sparse.values).map(VectorInternal::Sparse),
        other => Err(unknown(&format!("query vector {other:?}"))),
    }
}

/// How to search.
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
    use qdrant_client::qdrant::{Filter as AskedFilter, IdfParams, Query, VectorInput};

    fn nearest() -> QueryPoints {
        let query = Some(Query::new_nearest(VectorInput::new_dense(vec![1.0, 0.0])));
        QueryPoints { collection_name: "c".into(), query, using: Some("dense".into()), ..QueryPoints::default() }
    }

    #[test]
    fn unknown_options_are_errors() {
        assert!(engine_query(nearest(), "c").is_ok());
        let idf = IdfParams { corpus: Some(AskedFilter::default()) };
        let by_tenant =
            QueryPoints { params: Some(AskedParams { idf: Some(idf), ..AskedParams::default() }), ..nearest() };
        let threshold = QueryPoints { score_threshold: Some(0.5), ..nearest() };
        let elsewhere = QueryPoints { collection_name: "d".into(), ..nearest() };
        for query in [by_tenant, threshold, elsewhere] {
            assert_eq!(engine_query(query, "c").unwrap_err().code(), tonic::Code::Unimplemented);
        }
    }
}
