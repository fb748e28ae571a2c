//! Leases on jobs: who holds them, and taking back those whose holder is known to be gone.

use crate::db::{Store, commit, fault};
use fuente_contract::{JobId, Result, SystemScope, TenantId};
use sqlx::Row;

/// A job in a worker's hands.
#[derive(Clone, Debug)]
pub struct Lease {
    pub tenant: TenantId,
    pub job: JobId,
    pub worker: String,
    pub attempt: i32,
    fence: i64,
}

/// All leases, of every tenant.
///
/// # Errors
/// Where Postgres fails.
pub async fn held(scope: &SystemScope, store: &Store) -> Result<Vec<Lease>> {
    let mut tx = store.system(scope).await?;
    let rows = sqlx::query(
        "SELECT tenant_id, id, worker, fence, attempt FROM ingest_jobs WHERE state = 'running' AND worker IS NOT NULL",
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let lease = |row: &sqlx::postgres::PgRow| Lease {
        tenant: TenantId(row.get(0)),
        job: JobId(row.get(1)),
        worker: row.get(2),
        fence: row.get(3),
        attempt: row.get(4),
    };
    Ok(rows.iter().map(lease).collect())
}

/// Ends the lease, as if it had run out: the attempt counts, and its holder can publish no more. False
/// where it ended already.
///
/// # Errors
/// Where Postgres fails; then the lease runs out by itself.
pub async fn take_back(scope: &SystemScope, store: &Store, lease: &Lease) -> Result<bool> {
    let mut tx = store.inside(scope, lease.tenant).await?;
    let taken = sqlx::query(
        "UPDATE ingest_jobs SET state = 'queued', run_at = now(), lease_until = NULL, fence = fence + 1, updated_at = now()
         WHERE id = $1 AND fence = $2 AND state = 'running'",
    )
    .bind(lease.job.0)
    .bind(lease.fence)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(taken.rows_affected() == 1)
}
