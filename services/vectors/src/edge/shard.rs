//! One tenant's shard: the engine, and the locks that its calls need. Everything here blocks.

use super::fault::{fault, is_sticky};
use super::filter::path;
use super::wal;
use crate::index::Held;
use crate::schema::{DENSE, EXACT_UP_TO, INDEXED, Kind, SPARSE, exact_kilobytes, tag};
use fuente_contract::{Error, PassageId, Result};
use qdrant_edge::{
    AcornSearchParams, CountRequest, CreateIndex, Distance, EdgeConfig, EdgeOptimizersConfig, EdgeShard,
    EdgeSparseVectorParams, EdgeVectorParams, FieldIndexOperations, Filter, Modifier, NamedQuery, PayloadFieldSchema,
    PayloadSchemaType, PointId, PointOperations, QueryEnum, QueryRequest, Record, ScoringQuery, ScrollRequest,
    SearchParams, UpdateOperation, VectorInternal, WalOptions, WithPayloadInterface, WithVector,
};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Changes after which optimising is worth a look.
const UPKEEP_AFTER: usize = 2_000;
/// Size of one part of the log. Files are sparse, so a small tenant costs less.
const LOG_PART: usize = 8 * 1024 * 1024;

/// An open shard.
pub(super) struct Shard {
    engine: EdgeShard,
    dir: PathBuf,
    /// Held by changes and by flushing: the engine's flush panics where it meets a change.
    writes: Mutex<()>,
    /// Held by optimising and by flushing, for the same reason.
    upkeep: Mutex<()>,
    points: AtomicUsize,
    changed: AtomicUsize,
    /// Whether anything was applied since the last flush.
    dirty: AtomicBool,
    broken: AtomicBool,
}

impl Shard {
    /// Opens the shard in `dir`, or makes it, and sees to its payload indexes.
    pub(super) fn open(dir: &Path, dim: usize) -> Result<Self> {
        let engine = if dir.join("edge_config.json").exists() {
            wal::trim(dir)?;
            EdgeShard::load(dir, Some(config(dim)))
        } else {
            std::fs::create_dir_all(dir).map_err(Error::internal)?;
            EdgeShard::new(dir, config(dim))
        };
        let engine = engine.map_err(|error| cannot_open(dir, error))?;
        clear_unfinished(dir)?;
        let shard = Self {
            engine,
            dir: dir.to_owned(),
            writes: Mutex::new(()),
            upkeep: Mutex::new(()),
            points: AtomicUsize::new(0),
            changed: AtomicUsize::new(0),
            dirty: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        };
        shard.index_payload()?;
        shard.recount()?;
        Ok(shard)
    }

    /// Applies one change.
    pub(super) fn change(&self, operation: UpdateOperation) -> Result<()> {
        let _writing = hold(&self.writes);
        self.apply(operation)
    }

    /// Removes what the filter lets through and says how much it was.
    pub(super) fn remove(&self, filter: Filter) -> Result<u64> {
        let _writing = hold(&self.writes);
        let found = self.count(Some(filter.clone()))?;
        if found > 0 {
            self.apply(UpdateOperation::PointOperation(PointOperations::DeletePointsByFilter(filter)))?;
            self.changed.fetch_add(usize::try_from(found).unwrap_or(usize::MAX), Ordering::Relaxed);
            self.recount()?;
        }
        Ok(found)
    }

    /// Writes points in one operation.
    pub(super) fn upsert(&self, operation: UpdateOperation, points: usize) -> Result<()> {
        let _writing = hold(&self.writes);
        self.apply(operation)?;
        self.changed.fetch_add(points, Ordering::Relaxed);
        self.recount()
    }

    /// Makes everything written so far durable. The engine syncs all its files each time, so it
    /// is asked only where there is something to sync.
    pub(super) fn flush(&self) -> Result<()> {
        let _upkeep = hold(&self.upkeep);
        let _writing = hold(&self.writes);
        if self.dirty.load(Ordering::Relaxed) {
            self.engine.flush();
            wal::trim(&self.dir)?;
            self.dirty.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether enough has changed for [`Shard::optimise`] to have work.
    pub(super) fn wants_upkeep(&self) -> bool {
        self.changed.load(Ordering::Relaxed) >= UPKEEP_AFTER
    }

    /// Merges, vacuums and indexes segments where the engine sees a need. Queries and changes
    /// go on meanwhile; only flushing waits.
    pub(super) fn optimise(&self) -> Result<bool> {
        let _upkeep = hold(&self.upkeep);
        self.changed.store(0, Ordering::Relaxed);
        self.engine.optimize().map_err(fault)
    }

    /// Points that the filter lets through, exactly.
    pub(super) fn count(&self, filter: Option<Filter>) -> Result<u64> {
        self.engine.count(CountRequest { filter, exact: true }).map(|count| count as u64).map_err(fault)
    }

    /// Points from `from` on, in ascending order of ids.
    pub(super) fn held(&self, from: Option<PointId>, limit: usize) -> Result<Vec<Held>> {
        let request = ScrollRequest {
            offset: from,
            limit: Some(limit),
            with_payload: Some(WithPayloadInterface::Bool(true)),
            with_vector: WithVector::Bool(false),
            ..ScrollRequest::default()
        };
        let (records, _) = self.engine.scroll(request).map_err(fault)?;
        let held = |record: Record| {
            Ok(Held { id: passage(record.id)?, tag: record.payload.and_then(|payload| tag(&payload.0)) })
        };
        records.into_iter().map(held).collect()
    }

    /// Nearest points of one vector space with their scores, in the engine's order.
    pub(super) fn nearest(
        &self,
        vector: VectorInternal,
        space: &str,
        filter: &Filter,
        limit: usize,
        exact: bool,
    ) -> Result<Vec<(PassageId, f32)>> {
        let exact = exact || self.points.load(Ordering::Relaxed) <= EXACT_UP_TO;
        let acorn = (!exact).then(|| AcornSearchParams { enable: true, ..AcornSearchParams::default() });
        let request = QueryRequest {
            prefetches: Vec::new(),
            query: Some(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(vector, space)))),
            filter: Some(filter.clone()),
            score_threshold: None,
            limit,
            offset: 0,
            params: Some(SearchParams { exact, acorn, ..SearchParams::default() }),
            with_vector: WithVector::Bool(false),
            with_payload: WithPayloadInterface::Bool(false),
        };
        let found = self.engine.query(request).map_err(fault)?;
        found.into_iter().map(|point| Ok((passage(point.id)?, point.score))).collect()
    }

    /// Whether the shard must be closed and opened again before it is used.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Says that a call on this shard failed in a way that only reopening mends.
    pub(super) fn mark_broken(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Only called with the write lock held, or before the shard is shared.
    fn apply(&self, operation: UpdateOperation) -> Result<()> {
        self.dirty.store(true, Ordering::Relaxed);
        self.engine.update(operation).map_err(|error| {
            if is_sticky(&error) {
                self.mark_broken();
            }
            fault(error)
        })
    }

    fn recount(&self) -> Result<()> {
        let points = self.engine.count(CountRequest { filter: None, exact: false }).map_err(fault)?;
        self.points.store(points, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the payload indexes that are missing: all of a new shard's, and any that a crash lost.
    fn index_payload(&self) -> Result<()> {
        let present = self.engine.info().payload_schema;
        for (name, kind) in INDEXED {
            let field_name = path(name)?;
            if !present.contains_key(&field_name) {
                let schema = PayloadFieldSchema::FieldType(schema_type(kind));
                let index = CreateIndex { field_name, field_schema: Some(schema) };
                self.apply(UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(index)))?;
            }
        }
        Ok(())
    }
}

/// A poisoned lock guards no data, so it is as good as a fresh one.
fn hold(lock: &Mutex<()>) -> MutexGuard<'_, ()> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn passage(id: PointId) -> Result<PassageId> {
    match id {
        PointId::Uuid(id) => Ok(PassageId(id)),
        PointId::NumId(number) => Err(Error::internal(format!("point {number} is not a passage"))),
    }
}

fn schema_type(kind: Kind) -> PayloadSchemaType {
    match kind {
        Kind::Keyword => PayloadSchemaType::Keyword,
        Kind::Integer => PayloadSchemaType::Integer,
        Kind::Flag => PayloadSchemaType::Bool,
    }
}

fn config(dim: usize) -> EdgeConfig {
    let optimizers =
        EdgeOptimizersConfig { indexing_threshold: Some(exact_kilobytes(dim)), ..EdgeOptimizersConfig::default() };
    let log = WalOptions { segment_capacity: LOG_PART, segment_queue_len: 0, retain_closed: NonZeroUsize::MIN };
    EdgeConfig::builder()
        .vector(DENSE, EdgeVectorParams::builder(dim, Distance::Cosine).build())
        .sparse_vector(SPARSE, EdgeSparseVectorParams::builder().modifier(Modifier::Idf).build())
        .optimizers(optimizers)
        .wal_options(log)
        .build()
}

/// Removes what an interrupted optimisation left half-built: the engine never looks at it again.
fn clear_unfinished(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir.join("temp_segments")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
        _ => Ok(()),
    }
}

fn cannot_open(dir: &Path, error: qdrant_edge::OperationError) -> Error {
    let cause = error.to_string();
    let place = dir.display();
    if cause.contains("incompatible") {
        return Error::conflict(format!(
            "The vectors in {place} were made by an embedding model of another size. Index the documents again."
        ))
        .because(cause);
    }
    if cause.contains("WouldBlock") || cause.contains("try_lock") || cause.contains("Resource temporarily unavailable")
    {
        return Error::unavailable(format!("Another process has the vector index in {place} open."), 5).because(cause);
    }
    fault(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shards are shared between threads behind a read lock: this must hold for that to compile.
    const fn shared<T: Send + Sync>() {}
    const _: () = shared::<EdgeShard>();
    const _: () = shared::<Shard>();
}
