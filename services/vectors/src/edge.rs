//! [`VectorIndex`] over the embedded engine: one shard per tenant, in this process.
//!
//! The engine's calls block, so they run on the blocking pool, a few at a time. Its log is
//! not read back after a crash: what was not flushed may be gone, which is why removals and
//! payload changes flush before they return and why publishing waits for [`VectorIndex::flush`].

mod fault;
mod filter;
mod pool;
mod room;
mod shard;
mod wal;

use crate::clause::{of_query, of_selector, replaceable};
use crate::index::{Held, HybridQuery, Legs, PayloadPatch, Point, Selector, VectorIndex};
use crate::schema::{DENSE, SPARSE, check_points, check_query, patched, payload, rank};
use fault::disk_full;
use filter::all_of;
use fuente_contract::{Error, PassageId, Result, TenantId};
use pool::Pool;
use qdrant_edge::{
    ConditionalInsertOperation, NamedVectors, Payload, PayloadOps, PointId, PointInsertOperations, PointOperations,
    PointStruct, SetPayloadOp, SparseVector, UpdateOperation, Vector, VectorInternal,
};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Points of one engine operation: bounds what one change holds locked and logs at once.
const BATCH: usize = 256;

/// Opens the embedded index in `dir` for vectors of `dim` numbers, with at most `open_shards`
/// tenants' shards open at a time.
pub fn edge(dir: &Path, dim: usize, open_shards: usize) -> Result<Arc<dyn VectorIndex>> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    Ok(Arc::new(Edge {
        pool: Arc::new(Pool::new(dir, dim, open_shards)?),
        turns: Arc::new(Semaphore::new(threads * 2)),
        upkeep: Arc::new(Semaphore::new(1)),
    }))
}

struct Edge {
    pool: Arc<Pool>,
    /// How many blocking calls run at a time.
    turns: Arc<Semaphore>,
    /// Optimising runs for one shard at a time, outside the turns.
    upkeep: Arc<Semaphore>,
}

impl Edge {
    /// Runs blocking work in its turn.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Pool) -> Result<T> + Send + 'static) -> Result<T> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(Error::internal)?;
        let pool = Arc::clone(&self.pool);
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&pool)
        });
        done.await.unwrap_or_else(|failed| Err(panicked(failed)))
    }

    /// Starts optimising in the background where the shard wants it and none is under way.
    fn tend(&self, tenant: TenantId, wanted: bool) {
        let Ok(turn) = Arc::clone(&self.upkeep).try_acquire_owned() else { return };
        if !wanted {
            return;
        }
        let pool = Arc::clone(&self.pool);
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            match pool.read(tenant, |shard| shard.optimise()) {
                Ok(done) => tracing::debug!(%tenant, changed = done.unwrap_or_default(), "vector shard optimised"),
                Err(error) => tracing::warn!(%tenant, %error, "vector shard could not be optimised"),
            }
        });
    }
}

#[async_trait::async_trait]
impl VectorIndex for Edge {
    async fn upsert(&self, tenant: TenantId, points: Vec<Point>) -> Result<()> {
        check_points(&points, self.pool.dim())?;
        if points.is_empty() {
            return Ok(());
        }
        self.blocking(move |pool| {
            room::check(pool.dir(), room::needed(&points))?;
            pool.write(tenant, |shard| {
                points.chunks(BATCH).try_for_each(|batch| shard.upsert(insert(batch)?, batch.len()))
            })
        })
        .await
    }

    async fn flush(&self, tenant: TenantId) -> Result<()> {
        let wanted =
            self.blocking(move |pool| pool.read(tenant, |shard| shard.flush().map(|()| shard.wants_upkeep()))).await?;
        self.tend(tenant, wanted.unwrap_or_default());
        Ok(())
    }

    async fn legs(&self, tenant: TenantId, query: &HybridQuery) -> Result<Legs> {
        check_query(query, self.pool.dim())?;
        let Some(clauses) = of_query(query) else { return Ok(Legs::default()) };
        let filter = all_of(&clauses)?;
        let (dense, sparse) =
            (VectorInternal::Dense(query.dense.clone()), terms(&query.sparse.indices, &query.sparse.values)?);
        let (limit, exact) = (query.limit, query.exact);
        let legs = self.blocking(move |pool| {
            pool.read(tenant, |shard| {
                let mut legs = Legs { dense: shard.nearest(dense, DENSE, &filter, limit, exact)?, sparse: Vec::new() };
                if let Some(sparse) = sparse {
                    legs.sparse = shard.nearest(VectorInternal::Sparse(sparse), SPARSE, &filter, limit, exact)?;
                }
                rank(&mut legs.dense);
                rank(&mut legs.sparse);
                Ok(legs)
            })
        });
        Ok(legs.await?.unwrap_or_default())
    }

    async fn delete(&self, tenant: TenantId, what: &Selector) -> Result<u64> {
        let filter = all_of(&of_selector(what))?;
        let removed = self.blocking(move |pool| {
            pool.read(tenant, |shard| {
                let removed = shard.remove(filter)?;
                shard.flush()?;
                Ok((removed, shard.wants_upkeep()))
            })
        });
        let (removed, wanted) = removed.await?.unwrap_or_default();
        self.tend(tenant, wanted);
        Ok(removed)
    }

    async fn set_payload(&self, tenant: TenantId, what: &Selector, patch: &PayloadPatch) -> Result<()> {
        let fields = patched(patch);
        if fields.is_empty() {
            return Ok(());
        }
        let change = SetPayloadOp {
            payload: Payload(fields),
            points: None,
            filter: Some(all_of(&of_selector(what))?),
            key: None,
        };
        let changed = self.blocking(move |pool| {
            pool.read(tenant, |shard| {
                shard.change(UpdateOperation::PayloadOperation(PayloadOps::SetPayload(change)))?;
                shard.flush()
            })
        });
        changed.await.map(|_| ())
    }

    async fn count(&self, tenant: TenantId, what: &Selector) -> Result<u64> {
        let filter = all_of(&of_selector(what))?;
        let count = self.blocking(move |pool| pool.read(tenant, |shard| shard.count(Some(filter)))).await?;
        Ok(count.unwrap_or_default())
    }

    async fn held(&self, tenant: TenantId, after: Option<PassageId>, limit: usize) -> Result<Vec<Held>> {
        // The engine's offset is inclusive: start at the next id there can be.
        let from = match after.map(|id| id.0.as_u128().checked_add(1)) {
            Some(None) => return Ok(Vec::new()),
            Some(Some(next)) => Some(PointId::Uuid(Uuid::from_u128(next))),
            None => None,
        };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let held = self.blocking(move |pool| pool.read(tenant, |shard| shard.held(from, limit))).await?;
        Ok(held.unwrap_or_default())
    }

    async fn drop_tenant(&self, tenant: TenantId) -> Result<()> {
        self.blocking(move |pool| pool.drop_tenant(tenant)).await
    }

    async fn health(&self) -> Result<()> {
        self.blocking(|pool| pool.check()).await
    }
}

/// Points as one insert of the engine.
fn insert(points: &[Point]) -> Result<UpdateOperation> {
    let points = points.iter().map(|point| {
        let mut vectors = NamedVectors::default().add_vector(DENSE, point.dense.clone());
        if let Some(sparse) = terms(&point.sparse.indices, &point.sparse.values)? {
            vectors = vectors.add_vector(SPARSE, Vector::from(sparse));
        }
        Ok(PointStruct::new(PointId::Uuid(point.id.0), vectors, Value::Object(payload(point))).into())
    });
    let change = ConditionalInsertOperation {
        points_op: PointInsertOperations::PointsList(points.collect::<Result<Vec<_>>>()?),
        condition: all_of(&[replaceable()])?,
        update_mode: None,
    };
    Ok(UpdateOperation::PointOperation(PointOperations::UpsertPointsConditional(change)))
}

/// A sparse vector of the engine; none where there are no terms.
fn terms(indices: &[u32], values: &[f32]) -> Result<Option<SparseVector>> {
    if indices.is_empty() {
        return Ok(None);
    }
    SparseVector::new(indices.to_vec(), values.to_vec())
        .map(Some)
        .map_err(|error| Error::invalid("The sparse vector is not valid.").because(error))
}

/// A panic of the engine as an error; it panics where its disk is full, for one.
fn panicked(failed: tokio::task::JoinError) -> Error {
    let cause = match failed.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string)),
        Err(stopped) => Some(stopped.to_string()),
    };
    let cause = cause.unwrap_or_else(|| "the vector engine panicked".into());
    disk_full(&cause).unwrap_or_else(|| Error::internal(cause))
}
