//! Names of vectors and payload fields, which of them are indexed, and what a point must
//! look like before it may be written.

use crate::index::{HybridQuery, PayloadPatch, Point, Sparse, Tag};
use fuente_contract::{Error, PassageId, Result};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Name of the embedding's vector.
pub(crate) const DENSE: &str = "dense";
/// Name of the term vector.
pub(crate) const SPARSE: &str = "bm25";

/// Only on a server, where tenants share one collection.
pub(crate) const TENANT: &str = "tenant";
pub(crate) const DOCUMENT: &str = "document";
pub(crate) const VERSION: &str = "version";
pub(crate) const LIBRARY: &str = "library";
pub(crate) const POLICY: &str = "policy";
pub(crate) const OWNER: &str = "owner";
pub(crate) const CURRENT: &str = "current";
pub(crate) const LANG: &str = "lang";

/// Up to about so many vectors, comparing with all of them is both exact and fast enough,
/// so neither engine builds a graph below it. In KB of vectors, the unit of both.
pub(crate) const EXACT_UP_TO: usize = 100_000;

/// How a payload field is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Keyword,
    Integer,
    Flag,
}

/// Every field that a filter names. A filter on a field without an index reads every payload.
pub(crate) const INDEXED: [(&str, Kind); 6] = [
    (DOCUMENT, Kind::Keyword),
    (VERSION, Kind::Keyword),
    (LIBRARY, Kind::Keyword),
    (OWNER, Kind::Keyword),
    (POLICY, Kind::Integer),
    (CURRENT, Kind::Flag),
];

/// Size in KB of [`EXACT_UP_TO`] vectors of `dim` numbers.
pub(crate) fn exact_kilobytes(dim: usize) -> usize {
    EXACT_UP_TO * dim * size_of::<f32>() / 1024
}

/// What is stored beside a point's vectors.
pub(crate) fn payload(point: &Point) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert(DOCUMENT.into(), json!(point.document));
    fields.insert(VERSION.into(), json!(point.version));
    fields.insert(LIBRARY.into(), json!(point.library));
    fields.insert(POLICY.into(), json!(point.policy));
    fields.insert(OWNER.into(), json!(point.owner));
    fields.insert(LANG.into(), json!(point.lang));
    fields.insert(CURRENT.into(), json!(point.current));
    fields
}

/// What [`payload`] says of a point, read back.
pub(crate) fn tag(fields: &Map<String, Value>) -> Option<Tag> {
    fn read<T: serde::de::DeserializeOwned>(fields: &Map<String, Value>, name: &str) -> Option<T> {
        T::deserialize(fields.get(name)?).ok()
    }
    Some(Tag {
        document: read(fields, DOCUMENT)?,
        version: read(fields, VERSION)?,
        library: read(fields, LIBRARY)?,
        policy: read(fields, POLICY)?,
        owner: read(fields, OWNER)?,
        current: read(fields, CURRENT)?,
    })
}

/// The fields that a patch overwrites; empty where it names none.
pub(crate) fn patched(patch: &PayloadPatch) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.into(), value);
        }
    };
    set(POLICY, patch.policy.map(|tag| json!(tag)));
    set(OWNER, patch.owner.map(|id| json!(id)));
    set(CURRENT, patch.current.map(|flag| json!(flag)));
    set(LIBRARY, patch.library.map(|id| json!(id)));
    fields
}

/// Refuses points that an engine would store wrongly or choke on half-way through a batch.
pub(crate) fn check_points(points: &[Point], dim: usize) -> Result<()> {
    points.iter().try_for_each(|point| {
        check_dense(&point.dense, dim)?;
        check_sparse(&point.sparse)
    })
}

/// Refuses a question whose vectors do not fit the index.
pub(crate) fn check_query(query: &HybridQuery, dim: usize) -> Result<()> {
    check_dense(&query.dense, dim)?;
    check_sparse(&query.sparse)
}

fn check_dense(dense: &[f32], dim: usize) -> Result<()> {
    if dense.len() != dim {
        return Err(Error::invalid(format!(
            "The vector has {} numbers; the index holds vectors of {dim}.",
            dense.len()
        )));
    }
    finite(dense)
}

fn check_sparse(sparse: &Sparse) -> Result<()> {
    let distinct: HashSet<u32> = sparse.indices.iter().copied().collect();
    if sparse.indices.len() != sparse.values.len() || distinct.len() != sparse.indices.len() {
        return Err(Error::invalid("A sparse vector needs one value for each of its distinct indices."));
    }
    finite(&sparse.values)
}

fn finite(values: &[f32]) -> Result<()> {
    if values.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(Error::invalid("A vector holds a number that is not finite."))
    }
}

/// Best first; equal scores by id, because engines leave ties in any order and the same
/// question must give the same answer twice.
pub(crate) fn rank(hits: &mut [(PassageId, f32)]) {
    hits.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
}
