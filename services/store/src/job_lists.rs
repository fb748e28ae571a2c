//! Many jobs at once: lists by filter, counts, what changed lately, and another try for all of them.

use crate::db::{Store, commit, fault};
use crate::jobs::info;
use crate::rows::page;
use fuente_contract::document::{JobInfo, JobState};
use fuente_contract::manage::{JobCounts, JobFilter};
use fuente_contract::{Cursor, Error, Page, Result, Scope};
use sqlx::Row;
use uuid::Uuid;

/// The jobs that fit the filter, the newest first.
///
/// # Errors
/// `Forbidden` for members; `InvalidRequest` where the cursor is none.
pub async fn list(scope: &Scope, store: &Store, filter: &JobFilter, cursor: &Cursor) -> Result<Page<JobInfo>> {
    let before = match cursor.after.as_deref() {
        None => Uuid::max(),
        Some(after) => after.parse().map_err(|_| Error::invalid("`after` is not the `next` of a page before."))?,
    };
    let mut tx = store.manage(scope).await?;
    let rows = sqlx::query(
        "SELECT job.*, title FROM ingest_jobs job
         JOIN documents ON documents.tenant_id = job.tenant_id AND documents.id = job.document_id
         WHERE job.id < $1 AND ($2::text IS NULL OR job.state = $2) AND ($3::uuid IS NULL OR library_id = $3)
           AND ($4::uuid IS NULL OR documents.id = $4)
         ORDER BY job.id DESC LIMIT $5",
    )
    .bind(before)
    .bind(filter.state.map(JobState::as_str))
    .bind(filter.library.map(|id| id.0))
    .bind(filter.document.map(|id| id.0))
    .bind(cursor.limit() + 1)
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    Ok(page(rows.iter().map(info).collect(), cursor, |job: &JobInfo| job.id.0))
}

/// The jobs that changed in the last so many seconds, the latest first, at most `most` of them.
///
/// # Errors
/// `Forbidden` for members.
pub async fn changed(
    scope: &Scope,
    store: &Store,
    filter: &JobFilter,
    seconds: f64,
    most: i64,
) -> Result<Vec<JobInfo>> {
    let mut tx = store.manage(scope).await?;
    let rows = sqlx::query(
        "SELECT job.*, title FROM ingest_jobs job
         JOIN documents ON documents.tenant_id = job.tenant_id AND documents.id = job.document_id
         WHERE job.updated_at >= now() - make_interval(secs => $1) AND ($2::text IS NULL OR job.state = $2)
           AND ($3::uuid IS NULL OR library_id = $3) AND ($4::uuid IS NULL OR documents.id = $4)
         ORDER BY job.updated_at DESC, job.id DESC LIMIT $5",
    )
    .bind(seconds)
    .bind(filter.state.map(JobState::as_str))
    .bind(filter.library.map(|id| id.0))
    .bind(filter.document.map(|id| id.0))
    .bind(most)
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    Ok(rows.iter().map(info).collect())
}

/// How many jobs that fit the filter are in each state.
///
/// # Errors
/// `Forbidden` for members.
pub async fn counts(scope: &Scope, store: &Store, filter: &JobFilter) -> Result<JobCounts> {
    let mut tx = store.manage(scope).await?;
    let rows = sqlx::query(
        "SELECT job.state, count(*) AS jobs FROM ingest_jobs job
         JOIN documents ON documents.tenant_id = job.tenant_id AND documents.id = job.document_id
         WHERE ($1::text IS NULL OR job.state = $1) AND ($2::uuid IS NULL OR library_id = $2) AND ($3::uuid IS NULL OR documents.id = $3)
         GROUP BY job.state",
    )
    .bind(filter.state.map(JobState::as_str))
    .bind(filter.library.map(|id| id.0))
    .bind(filter.document.map(|id| id.0))
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let mut counts = JobCounts::default();
    for row in rows {
        let jobs: i64 = row.get("jobs");
        match JobState::parse(row.get("state")) {
            Some(JobState::Queued) => counts.queued = jobs,
            Some(JobState::Running) => counts.running = jobs,
            Some(JobState::Done) => counts.done = jobs,
            Some(JobState::Failed) => counts.failed = jobs,
            Some(JobState::Dead) => counts.dead = jobs,
            Some(JobState::Cancelled) => counts.cancelled = jobs,
            None => {}
        }
    }
    Ok(counts)
}

/// Tries again all jobs that fit the filter and ended without a result (dead ones where it names no
/// state), in bulk where they are of more than one document. Those of versions that a newer one
/// replaced stay as they are. Returns how many.
///
/// # Errors
/// `Forbidden` for members; `InvalidRequest` for a state that cannot be tried again.
pub async fn retry(scope: &Scope, store: &Store, filter: &JobFilter) -> Result<u64> {
    let state = filter.state.unwrap_or(JobState::Dead);
    if !matches!(state, JobState::Failed | JobState::Dead | JobState::Cancelled) {
        return Err(Error::invalid("Only jobs that are `failed`, `dead` or `cancelled` can be tried again."));
    }
    let mut tx = store.manage(scope).await?;
    let versions: Vec<Uuid> = sqlx::query_scalar(
        "UPDATE ingest_jobs job SET state = 'queued', attempt = 0, run_at = now(), error = NULL, advice = NULL, updated_at = now(),
             priority = CASE WHEN $3::uuid IS NULL THEN 'bulk' ELSE priority END
         FROM document_versions version, documents
         WHERE job.state = $1 AND version.id = job.version_id AND version.state IN ('pending', 'failed') AND documents.id = job.document_id
           AND ($2::uuid IS NULL OR documents.library_id = $2) AND ($3::uuid IS NULL OR documents.id = $3)
         RETURNING version.id",
    )
    .bind(state.as_str())
    .bind(filter.library.map(|id| id.0))
    .bind(filter.document.map(|id| id.0))
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    sqlx::query("UPDATE document_versions SET state = 'pending' WHERE id = ANY($1)")
        .bind(&versions)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    Ok(versions.len() as u64)
}
