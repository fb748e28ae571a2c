//! Points, their ids and their payload.

use super::super::refuse::{nothing_else, unknown};
use qdrant_client::Payload as AskedPayload;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::vector::Vector as AskedVector;
use qdrant_client::qdrant::vectors::VectorsOptions;
use qdrant_client::qdrant::{
    PointId as AskedId, PointStruct as AskedPoint, ScoredPoint as ReplyPoint, Value, Vector as AskedVectorMessage,
};
use qdrant_edge::{
    Payload, PointId, PointStructPersisted, ScoredPoint, SparseVector, VectorPersisted, VectorStructPersisted,
};
use std::collections::HashMap;
use tonic::Status;

/// A point to write; every vector must have a name.
pub(in super::super) fn engine_point(point: AskedPoint) -> Result<PointStructPersisted, Status> {
    let id = engine_id(point.id.ok_or_else(|| Status::invalid_argument("a point needs an id"))?)?;
    let named = match point.vectors.and_then(|vectors| vectors.vectors_options) {
        Some(VectorsOptions::Vectors(named)) => named.vectors,
        other => return Err(unknown(&format!("vectors {other:?}"))),
    };
    let named = named
        .into_iter()
        .map(|(name, vector)| Ok((name, engine_vector(vector)?)))
        .collect::<Result<HashMap<_, _>, Status>>()?;
    Ok(PointStructPersisted {
        id,
        vector: VectorStructPersisted::Named(named),
        payload: Some(payload_of(point.payload)),
    })
}

fn engine_vector(mut vector: AskedVectorMessage) -> Result<VectorPersisted, Status> {
    let given = vector.vector.take();
    nothing_else(&vector, "vector in the old form")?;
    match given {
        Some(AskedVector::Dense(dense)) => Ok(VectorPersisted::Dense(dense.data)),
        Some(AskedVector::Sparse(sparse)) => engine_sparse(sparse.indices, sparse.values).map(VectorPersisted::Sparse),
        other => Err(unknown(&format!("vector {other:?}"))),
    }
}

/// A sparse vector, with the engine's own checks.
pub(super) fn engine_sparse(indices: Vec<u32>, values: Vec<f32>) -> Result<SparseVector, Status> {
    SparseVector::new(indices, values).map_err(|error| Status::invalid_argument(error.to_string()))
}

/// A payload as JSON.
pub(in super::super) fn payload_of(fields: HashMap<String, Value>) -> Payload {
    Payload(AskedPayload::from(fields).into())
}

/// An id: a UUID or a number.
pub(in super::super) fn engine_id(id: AskedId) -> Result<PointId, Status> {
    match id.point_id_options {
        Some(PointIdOptions::Num(number)) => Ok(PointId::NumId(number)),
        Some(PointIdOptions::Uuid(text)) => {
            text.parse().map(PointId::Uuid).map_err(|_| Status::invalid_argument(format!("`{text}` is no UUID")))
        }
        None => Err(Status::invalid_argument("an empty id")),
    }
}

/// An id in an answer.
pub(in super::super) fn reply_id(id: PointId) -> AskedId {
    match id {
        PointId::NumId(number) => AskedId::from(number),
        PointId::Uuid(id) => AskedId::from(id.to_string()),
    }
}

/// A hit in an answer.
pub(in super::super) fn reply_scored(point: ScoredPoint) -> ReplyPoint {
    ReplyPoint { id: Some(reply_id(point.id)), score: point.score, version: point.version, ..ReplyPoint::default() }
}
