//! The collection on the server: made where it is missing, checked where it exists.

use super::fault::fault;
use crate::schema::{DENSE, INDEXED, Kind, SPARSE, TENANT, exact_kilobytes};
use fuente_contract::{Error, Result};
use qdrant_client::Qdrant;
use qdrant_client::qdrant::{
    CollectionInfo, CreateCollection, CreateFieldIndexCollection, Distance, FieldType, HnswConfigDiff,
    KeywordIndexParams, Modifier, PayloadIndexParams, SparseVectorConfig, SparseVectorParams, VectorParams,
    VectorParamsMap, VectorsConfig, payload_index_params::IndexParams, vectors_config::Config,
};
use std::collections::HashMap;

/// Sees to the collection and its payload indexes. Processes that start together may all do
/// so: whoever comes second finds it made.
pub(super) async fn ensure(client: &Qdrant, name: &str, dim: usize) -> Result<()> {
    if !client.collection_exists(name).await.map_err(fault)?
        && let Err(error) = client.create_collection(plan(name, dim)).await
        && !client.collection_exists(name).await.map_err(fault)?
    {
        return Err(fault(error));
    }
    let info = client.collection_info(name).await.map_err(fault)?.result;
    let info = info.ok_or_else(|| Error::internal("the vector server describes no collection"))?;
    check(&info, name, dim)?;
    for index in missing_indexes(&info, name) {
        client.create_field_index(index).await.map_err(fault)?;
    }
    Ok(())
}

/// Tenants share the collection: graphs are built per tenant only, and not at all where
/// comparing with all of a tenant's vectors is fast enough.
fn plan(name: &str, dim: usize) -> CreateCollection {
    let dense = VectorParams { size: dim as u64, distance: Distance::Cosine.into(), ..VectorParams::default() };
    let sparse = SparseVectorParams { modifier: Some(Modifier::Idf.into()), ..SparseVectorParams::default() };
    CreateCollection {
        collection_name: name.into(),
        vectors_config: Some(VectorsConfig {
            config: Some(Config::ParamsMap(VectorParamsMap { map: HashMap::from([(DENSE.into(), dense)]) })),
        }),
        sparse_vectors_config: Some(SparseVectorConfig { map: HashMap::from([(SPARSE.into(), sparse)]) }),
        hnsw_config: Some(HnswConfigDiff {
            m: Some(0),
            payload_m: Some(16),
            full_scan_threshold: Some(exact_kilobytes(dim) as u64),
            ..HnswConfigDiff::default()
        }),
        ..CreateCollection::default()
    }
}

/// Refuses a collection that was made for something else.
fn check(info: &CollectionInfo, name: &str, dim: usize) -> Result<()> {
    let params = info.config.as_ref().and_then(|config| config.params.as_ref());
    let vectors = params.and_then(|params| params.vectors_config.as_ref()?.config.as_ref());
    let size = match vectors {
        Some(Config::ParamsMap(spaces)) => spaces.map.get(DENSE).map(|space| space.size),
        _ => None,
    };
    let sparse = params.and_then(|params| params.sparse_vectors_config.as_ref()?.map.get(SPARSE));
    let weighted = sparse.is_some_and(|space| space.modifier == Some(Modifier::Idf.into()));
    match size {
        Some(size) if size == dim as u64 && weighted => Ok(()),
        Some(size) if size != dim as u64 => Err(Error::conflict(format!(
            "The collection {name} holds vectors of {size} numbers, and the embedding model makes {dim}. Name another collection and index the documents again."
        ))),
        _ => Err(Error::conflict(format!(
            "The collection {name} on the vector server was not made by Fuente. Name another one."
        ))),
    }
}

fn missing_indexes(info: &CollectionInfo, collection: &str) -> Vec<CreateFieldIndexCollection> {
    let tenant =
        IndexParams::KeywordIndexParams(KeywordIndexParams { is_tenant: Some(true), ..KeywordIndexParams::default() });
    let others = INDEXED.iter().map(|(name, kind)| (*name, field_type(*kind), None));
    std::iter::once((TENANT, FieldType::Keyword, Some(PayloadIndexParams { index_params: Some(tenant) })))
        .chain(others)
        .filter(|(name, ..)| !info.payload_schema.contains_key(*name))
        .map(|(name, field_type, params)| CreateFieldIndexCollection {
            collection_name: collection.into(),
            wait: Some(true),
            field_name: name.into(),
            field_type: Some(field_type.into()),
            field_index_params: params,
            ..CreateFieldIndexCollection::default()
        })
        .collect()
}

fn field_type(kind: Kind) -> FieldType {
    match kind {
        Kind::Keyword => FieldType::Keyword,
        Kind::Integer => FieldType::Integer,
        Kind::Flag => FieldType::Bool,
    }
}
