//! Jobs: claims with a lease and a fence, retries with backoff, dead letters, and what people see.
//!
//! At least once, with an effect that is idempotent: a claim that was lost cannot publish, because
//! its fence is older than the row's.

use crate::db::{Store, commit, fault};
pub use crate::job_stages::{Published, live_tag, progress, publish, save_passages, save_text};
use crate::rows::{page, stamp};
use fuente_contract::document::{JobInfo, JobState, Progress, Stage};
use fuente_contract::{
    Cursor, DocumentId, Error, JobId, LibraryId, Page, Result, Scope, SystemScope, TenantId, UserId, VersionId,
};
use sqlx::Row;
use sqlx::postgres::{PgRow, PgTransaction};
use time::OffsetDateTime;
use uuid::Uuid;

/// Attempts after which a job is dead.
const ATTEMPTS: i32 = 5;

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

/// Takes the next job: of the tenant with the fewest running ones first, then the oldest. Never two
/// of one document at a time; but one that waits for its next attempt holds no newer version up. A job whose lease ran out is taken again, until its attempts are used
/// up: a file that kills its worker must not do so for ever.
///
/// # Errors
/// Where Postgres fails.
pub async fn claim(scope: &SystemScope, store: &Store, worker: &str) -> Result<Option<Claim>> {
    loop {
        match take(scope, store, worker).await? {
            Taken::Claim(claim) => return Ok(Some(*claim)),
            Taken::Buried => {}
            Taken::Nothing => return Ok(None),
        }
    }
}

/// What one look into the queue gave.
enum Taken {
    Claim(Box<Claim>),
    /// A job whose worker was lost on its last attempt; it is dead now, and the next one is looked at.
    Buried,
    Nothing,
}

async fn take(scope: &SystemScope, store: &Store, worker: &str) -> Result<Taken> {
    let mut tx = store.system(scope).await?;
    let found = sqlx::query(
        "SELECT job.tenant_id, job.id, job.attempt FROM ingest_jobs job
         WHERE ((job.state = 'queued' AND job.run_at <= now()) OR (job.state = 'running' AND job.lease_until < now()))
           AND NOT EXISTS (SELECT 1 FROM ingest_jobs other WHERE other.tenant_id = job.tenant_id AND other.document_id = job.document_id AND other.id <> job.id
                           AND (other.id < job.id AND (other.state = 'queued' AND other.run_at <= now() OR other.state = 'running') OR other.state = 'running' AND other.lease_until >= now()))
         ORDER BY (SELECT count(*) FROM ingest_jobs busy WHERE busy.tenant_id = job.tenant_id AND busy.state = 'running' AND busy.lease_until >= now()), job.run_at, job.id
         LIMIT 1 FOR UPDATE SKIP LOCKED",
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    let Some(found) = found else { return Ok(Taken::Nothing) };
    let (tenant, job): (Uuid, Uuid) = (found.get(0), found.get(1));
    // From here on inside the tenant; the row stays locked by this transaction.
    sqlx::query("SELECT set_config('fuente.system', '', true), set_config('fuente.tenant', $1, true), set_config('fuente.access', 'manage', true)")
        .bind(tenant.to_string())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if !alone(&mut tx, job).await? {
        return Ok(Taken::Nothing);
    }
    if found.get::<i32, _>(2) >= ATTEMPTS {
        sqlx::query("UPDATE ingest_jobs SET state = 'dead', fence = fence + 1, lease_until = NULL, updated_at = now(), error = 'crashed', advice = $2 WHERE id = $1")
            .bind(job)
            .bind("The worker was lost each time it worked on this document. Look at the file, then try the job again.")
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        commit(tx).await?;
        return Ok(Taken::Buried);
    }
    let row = sqlx::query(
        "UPDATE ingest_jobs job SET state = 'running', worker = $2, fence = fence + 1, attempt = attempt + 1, error = NULL, advice = NULL,
             lease_until = now() + interval '60 seconds', updated_at = now()
         FROM documents, document_versions version, policies
         WHERE job.id = $1 AND documents.id = job.document_id AND version.id = job.version_id AND policies.id = documents.effective_policy
         RETURNING job.id AS job, job.document_id, job.version_id, job.fence, job.attempt, blob_key, file_name, mime, library_id, tag, owner_id, title, external_id",
    )
    .bind(job)
    .bind(worker)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(Taken::Claim(Box::new(Claim {
        tenant: TenantId(tenant),
        job: JobId(row.get("job")),
        document: DocumentId(row.get("document_id")),
        version: VersionId(row.get("version_id")),
        fence: row.get("fence"),
        attempt: row.get("attempt"),
        blob_key: row.get("blob_key"),
        file_name: row.get("file_name"),
        mime: row.get("mime"),
        library: LibraryId(row.get("library_id")),
        policy_tag: row.get("tag"),
        owner: UserId(row.get("owner_id")),
        title: row.get("title"),
        external_id: row.get("external_id"),
    })))
}

/// Whether no other job of its document runs. Claims of one document go one after the other by its
/// row's lock; who finds it locked looks again later, and so waits for nobody while holding a job.
async fn alone(tx: &mut PgTransaction<'static>, job: Uuid) -> Result<bool> {
    let document: Option<Uuid> = sqlx::query_scalar(
        "SELECT id FROM documents WHERE id = (SELECT document_id FROM ingest_jobs WHERE id = $1) FOR NO KEY UPDATE SKIP LOCKED",
    )
    .bind(job)
    .fetch_optional(&mut **tx)
    .await
    .map_err(fault)?;
    let Some(document) = document else { return Ok(false) };
    let busy: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM ingest_jobs WHERE document_id = $1 AND id <> $2 AND state = 'running' AND lease_until >= now())")
        .bind(document)
        .bind(job)
        .fetch_one(&mut **tx)
        .await
        .map_err(fault)?;
    Ok(!busy)
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
