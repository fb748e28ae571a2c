//! What a collection is made of: vector spaces and indexed fields.

use super::super::refuse::{nothing_else, unknown};
use qdrant_client::qdrant::payload_index_params::IndexParams;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    CollectionConfig, CollectionInfo, CollectionParams, CollectionStatus, CreateCollection, Distance as AskedDistance,
    FieldType, HnswConfigDiff, KeywordIndexParams as AskedKeyword, Modifier as AskedModifier, PayloadIndexParams,
    PayloadSchemaInfo, PayloadSchemaType as ReplyType, SparseVectorConfig, SparseVectorParams, VectorParams,
    VectorParamsMap, VectorsConfig,
};
use qdrant_edge::{
    Distance, EdgeConfig, EdgeShard, EdgeSparseVectorParams, EdgeVectorParams, HnswIndexConfig, KeywordIndexParams,
    PayloadFieldSchema, PayloadSchemaParams, PayloadSchemaType,
};
use std::mem::take;
use tonic::Status;

/// Takes the known parts out of a request for a collection: named dense spaces by cosine,
/// sparse spaces, and graph settings.
pub(in super::super) fn planned(request: &mut CreateCollection) -> Result<EdgeConfig, Status> {
    let mut config = EdgeConfig::builder().hnsw_config(graph(request.hnsw_config.take())?);
    let spaces = match request.vectors_config.take().and_then(|vectors| vectors.config) {
        Some(Config::ParamsMap(spaces)) => spaces.map,
        other => return Err(unknown(&format!("vectors {other:?}"))),
    };
    for (name, mut space) in spaces {
        let (size, distance) = (take(&mut space.size), take(&mut space.distance));
        nothing_else(&space, "vector space")?;
        if distance != i32::from(AskedDistance::Cosine) {
            return Err(unknown(&format!("distance {distance}")));
        }
        let size = usize::try_from(size).map_err(|_| Status::invalid_argument("size"))?;
        config = config.vector(name, EdgeVectorParams::builder(size, Distance::Cosine).build());
    }
    for (name, mut space) in request.sparse_vectors_config.take().unwrap_or_default().map {
        if space.modifier.take() != Some(AskedModifier::Idf.into()) {
            return Err(unknown("a sparse space whose terms are not weighed by rarity"));
        }
        nothing_else(&space, "sparse space")?;
        // The query's terms are weighed before the engine sees them.
        config = config.sparse_vector(name, EdgeSparseVectorParams::builder().build());
    }
    Ok(config.build())
}

fn graph(asked: Option<HnswConfigDiff>) -> Result<HnswIndexConfig, Status> {
    let mut asked = asked.unwrap_or_default();
    let mut graph = HnswIndexConfig::default();
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    graph.m = asked.m.take().map_or(graph.m, size);
    graph.payload_m = asked.payload_m.take().map(size).or(graph.payload_m);
    graph.full_scan_threshold = asked.full_scan_threshold.take().map_or(graph.full_scan_threshold, size);
    nothing_else(&asked, "graph setting")?;
    Ok(graph)
}

/// How a field is indexed: by keyword (of a tenant, too), integer or truth value.
pub(in super::super) fn field_schema(
    kind: Option<i32>,
    params: Option<PayloadIndexParams>,
) -> Result<PayloadFieldSchema, Status> {
    let kind = kind.and_then(|kind| FieldType::try_from(kind).ok());
    let simple = |kind| Ok(PayloadFieldSchema::FieldType(kind));
    match (kind, params.and_then(|params| params.index_params)) {
        (Some(FieldType::Keyword), None) => simple(PayloadSchemaType::Keyword),
        (Some(FieldType::Integer), None) => simple(PayloadSchemaType::Integer),
        (Some(FieldType::Bool), None) => simple(PayloadSchemaType::Bool),
        (Some(FieldType::Keyword), Some(IndexParams::KeywordIndexParams(mut keyword))) => {
            let is_tenant = keyword.is_tenant.take();
            nothing_else(&keyword, "keyword index")?;
            let params = KeywordIndexParams { is_tenant, ..KeywordIndexParams::default() };
            Ok(PayloadFieldSchema::FieldParams(PayloadSchemaParams::Keyword(params)))
        }
        (kind, params) => Err(unknown(&format!("index {kind:?} {params:?}"))),
    }
}

/// What a collection holds and how.
pub(in super::super) fn described(engine: &EdgeShard) -> Result<CollectionInfo, Status> {
    let (config, info) = (engine.config().clone(), engine.info());
    let dense = config.vectors.iter().map(|(name, space)| {
        let params =
            VectorParams { size: space.size as u64, distance: AskedDistance::Cosine.into(), ..VectorParams::default() };
        (name.to_string(), params)
    });
    let sparse = config.sparse_vectors.keys().map(|name| {
        let modifier = Some(AskedModifier::Idf.into());
        (name.to_string(), SparseVectorParams { modifier, ..SparseVectorParams::default() })
    });
    let params = CollectionParams {
        shard_number: 1,
        vectors_config: Some(VectorsConfig {
            config: Some(Config::ParamsMap(VectorParamsMap { map: dense.collect() })),
        }),
        sparse_vectors_config: Some(SparseVectorConfig { map: sparse.collect() }),
        ..CollectionParams::default()
    };
    let payload_schema = info.payload_schema.into_iter().map(|(name, index)| {
        let data_type = match index.data_type {
            PayloadSchemaType::Keyword => ReplyType::Keyword,
            PayloadSchemaType::Integer => ReplyType::Integer,
            PayloadSchemaType::Bool => ReplyType::Bool,
            other => return Err(unknown(&format!("index {}", other.name()))),
        };
        let params = match index.params {
            Some(PayloadSchemaParams::Keyword(keyword)) => {
                let keyword = AskedKeyword { is_tenant: keyword.is_tenant, ..AskedKeyword::default() };
                Some(PayloadIndexParams { index_params: Some(IndexParams::KeywordIndexParams(keyword)) })
            }
            _ => None,
        };
        Ok((
            name.to_string(),
            PayloadSchemaInfo { data_type: data_type.into(), params, points: Some(index.points as u64) },
        ))
    });
    Ok(CollectionInfo {
        status: CollectionStatus::Green.into(),
        segments_count: info.segments_count as u64,
        config: Some(CollectionConfig { params: Some(params), ..CollectionConfig::default() }),
        payload_schema: payload_schema.collect::<Result<_, Status>>()?,
        points_count: Some(info.points_count as u64),
        indexed_vectors_count: Some(info.indexed_vectors_count as u64),
        ..CollectionInfo::default()
    })
}
