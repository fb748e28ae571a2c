//! Jobs: claims with a lease and a fence, retries with backoff, dead letters, and what people see.
//!
//! At least once, with an effect that is idempotent: a claim that was lost cannot publish, because
//! its fence is older than the row's.

use crate::db::{Store, commit, fault};
pub use crate::job_stages::{Published, live_tag, progress, publish, save_passages, save_text};
pub use crate::queue::{Depth, QueueRules, claim, depths, room};
use crate::rows::{page, stamp};
use fuente_contract::document::{JobInfo, JobState, Priority, Progress, Stage};
use fuente_contract::{
    Cursor, DocumentId, Error, JobId, LibraryId, Page, Result, Scope, SystemScope, TenantId, UserId, VersionId,
};
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

/// Attempts after which a job is dead.
pub(crate) const ATTEMPTS: i32 = 5;

/// A job in a worker's hands.
#[derive(Clone, Debug)]
pub struct Claim {
    pub tenant: TenantId,
    pub job: JobId,
    pub document: DocumentId,
    pub version: VersionId,
    pub fence: i64,
    pub attempt: i32,
    pub blob_key: String,
    pub file_name: String,
    pub mime: String,
    pub library: LibraryId,
    pub policy_tag: i64,
    pub owner: UserId,
    pub title: String,
    pub external_id: String,
}

/// Keeps the lease. False where the job is no longer this claim's.
///
/// # Errors
/// Where Postgres fails.
pub async fn heartbeat(scope: &SystemScope, store: &Store, claim: &Claim) -> Result<bool> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    let kept = sqlx::query("UPDATE ingest_jobs SET lease_until = now() + interval '60 seconds' WHERE id = $1 AND fence = $2 AND state = 'running'")
        .bind(claim.job.0)
        .bind(claim.fence)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    Ok(kept.rows_affected() == 1)
}

/// Gives the job back at once, as if it had not been tried.
///
/// # Errors
/// Where Postgres fails.
pub async fn release(scope: &SystemScope, store: &Store, claim: &Claim) -> Result<()> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    sqlx::query("UPDATE ingest_jobs SET state = 'queued', attempt = attempt - 1, run_at = now(), lease_until = NULL, fence = fence + 1 WHERE id = $1 AND fence = $2 AND state = 'running'")
        .bind(claim.job.0)
        .bind(claim.fence)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await
}

/// Puts a job back whose tools are away: it comes again in half a minute, as often as it takes, and says
/// meanwhile what it waits for.
///
/// # Errors
/// Where Postgres fails; then the lease runs out and the job is taken again.
pub async fn postpone(scope: &SystemScope, store: &Store, claim: &Claim, error: &str, advice: &str) -> Result<()> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    sqlx::query(
        "UPDATE ingest_jobs SET state = 'queued', attempt = attempt - 1, error = $3, advice = $4, lease_until = NULL,
             run_at = now() + make_interval(secs => 30 * (0.75 + random() / 2)), fence = fence + 1, updated_at = now()
         WHERE id = $1 AND fence = $2 AND state = 'running'",
    )
    .bind(claim.job.0)
    .bind(claim.fence)
    .bind(error)
    .bind(advice)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await
}

/// Records a failure: a file's fault is final, ours is tried again later (10 s, 40 s, 160 s, 640 s,
/// with jitter), and dead after the last attempt.
///
/// # Errors
/// Where Postgres fails; then the lease runs out and the job is taken again.
pub async fn fail(
    scope: &SystemScope,
    store: &Store,
    claim: &Claim,
    error: &str,
    advice: &str,
    retryable: bool,
) -> Result<()> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    let ended = sqlx::query(
        "UPDATE ingest_jobs SET error = $3, advice = $4, lease_until = NULL, updated_at = now(),
             state = CASE WHEN NOT $5 THEN 'failed' WHEN attempt >= $6 THEN 'dead' ELSE 'queued' END,
             run_at = now() + make_interval(secs => 10 * power(4, attempt - 1) * (0.75 + random() / 2))
         WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING state",
    )
    .bind(claim.job.0)
    .bind(claim.fence)
    .bind(error)
    .bind(advice)
    .bind(retryable)
    .bind(ATTEMPTS)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    if ended.is_some_and(|row| row.get::<&str, _>(0) == "failed") {
        sqlx::query("UPDATE document_versions SET state = 'failed' WHERE id = $1 AND state = 'pending'")
            .bind(claim.version.0)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
    }
    commit(tx).await
}

pub(crate) fn info(row: &PgRow) -> JobInfo {
    JobInfo {
        id: JobId(row.get("id")),
        document: DocumentId(row.get("document_id")),
        version: VersionId(row.get("version_id")),
        title: row.get("title"),
        state: JobState::parse(row.get("state")).unwrap_or(JobState::Failed),
        stage: Stage::parse(row.get("stage")).unwrap_or(Stage::Extract),
        priority: Priority::parse(row.get("priority")).unwrap_or_default(),
        attempt: row.get("attempt"),
        progress: Progress {
            pages: row.get("pages"),
            passages_done: row.get("passages_done"),
            passages_total: row.get("passages_total"),
            passages_reused: row.get("passages_reused"),
            percent: row.get("percent"),
        },
        error: row.get("error"),
        advice: row.get("advice"),
        updated_at: stamp(row.get::<OffsetDateTime, _>("updated_at")),
    }
}

/// The jobs of the tenant, the newest first.
///
/// # Errors
/// `Forbidden` for members.
pub async fn list(scope: &Scope, store: &Store, cursor: &Cursor) -> Result<Page<JobInfo>> {
    let before = match cursor.after.as_deref() {
        None => Uuid::max(),
        Some(after) => after.parse().map_err(|_| Error::invalid("`after` is not the `next` of a page before."))?,
    };
    let mut tx = store.manage(scope).await?;
    let rows = sqlx::query("SELECT job.*, title FROM ingest_jobs job JOIN documents ON documents.tenant_id = job.tenant_id AND documents.id = job.document_id WHERE job.id < $1 ORDER BY job.id DESC LIMIT $2")
        .bind(before)
        .bind(cursor.limit() + 1)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(page(rows.iter().map(info).collect(), cursor, |job: &JobInfo| job.id.0))
}

/// # Errors
/// `NotFound`; `Forbidden` for members.
pub async fn get(scope: &Scope, store: &Store, id: JobId) -> Result<JobInfo> {
    let mut tx = store.manage(scope).await?;
    let row = sqlx::query("SELECT job.*, title FROM ingest_jobs job JOIN documents ON documents.tenant_id = job.tenant_id AND documents.id = job.document_id WHERE job.id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    row.as_ref().map(info).ok_or_else(Error::not_found)
}

/// Tries a failed, dead or cancelled job again from its first attempt.
///
/// # Errors
/// `NotFound`; `Conflict` where it is still under way, done, or overtaken by a newer version.
pub async fn retry(scope: &Scope, store: &Store, id: JobId) -> Result<()> {
    let mut tx = store.manage(scope).await?;
    let changed = sqlx::query(
        "UPDATE ingest_jobs job SET state = 'queued', attempt = 0, run_at = now(), error = NULL, advice = NULL, updated_at = now()
         FROM document_versions version WHERE job.id = $1 AND job.state IN ('failed', 'dead', 'cancelled')
           AND version.id = job.version_id AND version.state IN ('pending', 'failed') RETURNING version.id",
    )
    .bind(id.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    let Some(row) = changed else {
        drop(tx);
        get(scope, store, id).await?;
        return Err(Error::conflict("Only a job that failed, died or was cancelled can be tried again."));
    };
    sqlx::query("UPDATE document_versions SET state = 'pending' WHERE id = $1")
        .bind(row.get::<Uuid, _>(0))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await
}

/// Stops a job that waits or runs; its worker notices within a heartbeat, and cannot publish.
///
/// # Errors
/// `NotFound`; `Conflict` where it has ended already.
pub async fn cancel(scope: &Scope, store: &Store, id: JobId) -> Result<()> {
    let mut tx = store.manage(scope).await?;
    let changed = sqlx::query("UPDATE ingest_jobs SET state = 'cancelled', fence = fence + 1, lease_until = NULL, updated_at = now() WHERE id = $1 AND state IN ('queued', 'running')")
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if changed.rows_affected() == 0 {
        drop(tx);
        get(scope, store, id).await?;
        return Err(Error::conflict("The job has ended already."));
    }
    commit(tx).await
}
