//! Calls about points: write, remove, change payload, index a field, query, page, count.

use super::convert::{
    Asked, condition_of, engine_id, engine_point, engine_query, field_schema, payload_of, reply_id, reply_scored,
    selector,
};
use super::idf::weighed;
use super::refuse::{nothing_else, refuse_calls, unknown};
use super::shelf::{Shelf, Shelves, blocking, fault};
use qdrant_client::Payload;
use qdrant_client::qdrant::points_server::Points;
use qdrant_client::qdrant::{
    BatchResult, CountPoints, CountResponse, CountResult, CreateFieldIndexCollection, DeletePoints,
    PointsOperationResponse, QueryBatchPoints, QueryBatchResponse, RetrievedPoint, ScrollPoints, ScrollResponse,
    SetPayloadPoints, UpdateResult, UpdateStatus, UpsertPoints,
};
use qdrant_edge::{
    ConditionalInsertOperation, CountRequest, CreateIndex, FieldIndexOperations, PayloadOps, PointInsertOperations,
    PointOperations, ScoredPoint, ScrollRequest, SetPayloadOp, UpdateOperation, VectorInternal, WithPayloadInterface,
    WithVector,
};
use std::mem::take;
use std::sync::Arc;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What one query finds.
fn answer(shelf: &Shelf, mut asked: Asked) -> Result<Vec<ScoredPoint>, Status> {
    if let VectorInternal::Sparse(terms) = asked.vector {
        let corpus = asked.corpus.take();
        asked.vector = VectorInternal::Sparse(weighed(&shelf.engine, &asked.space, terms, corpus)?);
    }
    shelf.engine.query(asked.request()).map_err(fault)
}

impl Shelves {
    /// Applies a change to the collection; every change is done when the call returns, so
    /// whether the caller asked to wait makes no difference.
    async fn change(&self, collection: &str, operation: UpdateOperation) -> Answer<PointsOperationResponse> {
        let shelf = self.get(collection)?;
        blocking(move || shelf.change(operation)).await?;
        let done = UpdateResult { operation_id: None, status: UpdateStatus::Completed.into() };
        Ok(Response::new(PointsOperationResponse { result: Some(done), ..PointsOperationResponse::default() }))
    }
}

#[tonic::async_trait]
impl Points for Shelves {
    async fn upsert(&self, request: Request<UpsertPoints>) -> Answer<PointsOperationResponse> {
        let mut request = request.into_inner();
        let collection = take(&mut request.collection_name);
        let points = take(&mut request.points).into_iter().map(engine_point).collect::<Result<Vec<_>, _>>()?;
        let condition = request.update_filter.take().map(condition_of).transpose()?;
        request.wait = None;
        nothing_else(&request, "upsert")?;
        let points_op = PointInsertOperations::PointsList(points);
        let operation = match condition {
            None => PointOperations::UpsertPoints(points_op),
            Some(condition) => PointOperations::UpsertPointsConditional(ConditionalInsertOperation {
                points_op,
                condition,
                update_mode: None,
            }),
        };
        self.change(&collection, UpdateOperation::PointOperation(operation)).await
    }

    async fn delete(&self, request: Request<DeletePoints>) -> Answer<PointsOperationResponse> {
        let mut request = request.into_inner();
        let collection = take(&mut request.collection_name);
        let filter = selector(request.points.take())?;
        request.wait = None;
        nothing_else(&request, "delete")?;
        self.change(&collection, UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(filter))).await
    }

    async fn set_payload(&self, request: Request<SetPayloadPoints>) -> Answer<PointsOperationResponse> {
        let mut request = request.into_inner();
        let collection = take(&mut request.collection_name);
        let payload = payload_of(take(&mut request.payload));
        let filter = Some(selector(request.points_selector.take())?);
        request.wait = None;
        nothing_else(&request, "set payload")?;
        let change = SetPayloadOp { payload, points: None, filter, key: None };
        self.change(&collection, UpdateOperation::PayloadOperation(PayloadOps::SetPayload(change))).await
    }

    async fn create_field_index(
        &self,
        request: Request<CreateFieldIndexCollection>,
    ) -> Answer<PointsOperationResponse> {
        let mut request = request.into_inner();
        let collection = take(&mut request.collection_name);
        let name = take(&mut request.field_name);
        let schema = field_schema(request.field_type.take(), request.field_index_params.take())?;
        request.wait = None;
        nothing_else(&request, "create field index")?;
        let field_name = name.parse().map_err(|()| Status::invalid_argument(format!("`{name}` is no field")))?;
        let index = FieldIndexOperations::CreateIndex(CreateIndex { field_name, field_schema: Some(schema) });
        self.change(&collection, UpdateOperation::FieldIndexOperation(index)).await
    }

    async fn query_batch(&self, request: Request<QueryBatchPoints>) -> Answer<QueryBatchResponse> {
        let mut request = request.into_inner();
        let collection = take(&mut request.collection_name);
        let queries = take(&mut request.query_points).into_iter().map(|query| engine_query(query, &collection));
        let queries = queries.collect::<Result<Vec<_>, _>>()?;
        nothing_else(&request, "query batch")?;
        let shelf: Arc<Shelf> = self.get(&collection)?;
        let result = blocking(move || {
            let answers = queries.into_iter().map(|asked| answer(&shelf, asked));
            answers
                .map(|found| Ok(BatchResult { result: found?.into_iter().map(reply_scored).collect() }))
                .collect::<Result<Vec<_>, Status>>()
        });
        Ok(Response::new(QueryBatchResponse { result: result.await?, ..QueryBatchResponse::default() }))
    }

    async fn scroll(&self, request: Request<ScrollPoints>) -> Answer<ScrollResponse> {
        let mut request = request.into_inner();
        let shelf = self.get(&take(&mut request.collection_name))?;
        let filter = request.filter.take().map(condition_of).transpose()?;
        let offset = request.offset.take().map(engine_id).transpose()?;
        let limit = request.limit.take().map(|limit| limit as usize);
        if request.with_payload.take() != Some(true.into()) {
            return Err(unknown("a scroll without payload"));
        }
        nothing_else(&request, "scroll")?;
        let with_payload = Some(WithPayloadInterface::Bool(true));
        let page =
            ScrollRequest { offset, limit, filter, with_payload, with_vector: WithVector::Bool(false), order_by: None };
        let (records, next) = blocking(move || shelf.engine.scroll(page).map_err(fault)).await?;
        let result = records
            .into_iter()
            .map(|record| RetrievedPoint {
                id: Some(reply_id(record.id)),
                payload: record.payload.map(|held| Payload::from(held.0).into()).unwrap_or_default(),
                ..RetrievedPoint::default()
            })
            .collect();
        Ok(Response::new(ScrollResponse { next_page_offset: next.map(reply_id), result, ..ScrollResponse::default() }))
    }

    async fn count(&self, request: Request<CountPoints>) -> Answer<CountResponse> {
        let mut request = request.into_inner();
        let shelf = self.get(&take(&mut request.collection_name))?;
        let filter = request.filter.take().map(condition_of).transpose()?;
        let exact = request.exact.take().unwrap_or(true);
        nothing_else(&request, "count")?;
        let count = blocking(move || shelf.engine.count(CountRequest { filter, exact }).map_err(fault)).await?;
        Ok(Response::new(CountResponse {
            result: Some(CountResult { count: count as u64 }),
            ..CountResponse::default()
        }))
    }

    refuse_calls! {
        get(GetPoints) -> GetResponse;
        update_vectors(UpdatePointVectors) -> PointsOperationResponse;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse;
        overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search(SearchPoints) -> SearchResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query(QueryPoints) -> QueryResponse;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        facet(FacetCounts) -> FacetResponse;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}
