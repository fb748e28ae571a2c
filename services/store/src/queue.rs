//! The queue: which job is next, and whether one more may wait.
//!
//! What somebody waits for goes before bulk; within a priority the tenants take turns; within a
//! tenant the oldest goes first. Bulk is begun every so often however much else there is, so that
//! it never starves; and one job of it is all that an upload then waits for.

use crate::db::{Store, View, commit, fault};
use crate::jobs::{ATTEMPTS, Claim};
use fuente_contract::document::Priority;
use fuente_contract::{
    DocumentId, Error, ErrorCode, JobId, LibraryId, Result, Scope, SystemScope, TenantId, UserId, VersionId,
};
use sqlx::Row;
use sqlx::postgres::PgTransaction;
use std::time::Duration;
use uuid::Uuid;

/// How the queue is shared; see `[ingest]` of the settings.
#[derive(Clone, Copy, Debug)]
pub struct QueueRules {
    /// Jobs of one tenant that may run at once, over all workers; 0 for as many as there are.
    pub tenant_running: u32,
    /// Bulk that has waited for so long is next where none was begun for as long.
    pub bulk_patience: Duration,
}

/// Seconds after which a tenant whose queue is full may look again.
const LATER: u32 = 30;

/// Takes the next job. Never two of one document at a time; but one that waits for its next attempt
/// holds no newer version up. A job whose lease ran out is taken again, until its attempts are used
/// up: a file that kills its worker must not do so for ever.
///
/// # Errors
/// Where Postgres fails.
pub async fn claim(scope: &SystemScope, store: &Store, rules: &QueueRules, worker: &str) -> Result<Option<Claim>> {
    loop {
        match take(scope, store, rules, worker).await? {
            Taken::Claim(claim) => return Ok(Some(*claim)),
            Taken::Again => {}
            Taken::Nothing => return Ok(None),
        }
    }
}

/// What one look into the queue gave.
enum Taken {
    Claim(Box<Claim>),
    /// A job that is dead now, because its worker was lost on its last attempt; or a tenant that
    /// another worker served in the meantime. The next look sees it.
    Again,
    Nothing,
}

/// The line of one tenant and priority, in the order in which lines are served.
async fn lines(tx: &mut PgTransaction<'static>, rules: &QueueRules) -> Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query(
        "WITH busy AS (SELECT tenant_id, count(*) AS jobs FROM ingest_jobs WHERE state = 'running' AND lease_until >= now() GROUP BY tenant_id),
              overdue AS (SELECT NOT EXISTS (SELECT 1 FROM ingest_jobs WHERE priority = 'bulk' AND started_at > now() - make_interval(secs => $2)) AS bulk)
         SELECT line.tenant_id, line.priority FROM (
             SELECT tenants.tenant_id, priority, coalesce(busy.jobs, 0) AS busy,
                    (SELECT run_at FROM ingest_jobs job WHERE job.tenant_id = tenants.tenant_id AND job.priority = kind.priority AND job.state IN ('queued', 'running')
                         AND (job.state = 'queued' AND job.run_at <= now() OR job.state = 'running' AND job.lease_until < now()) ORDER BY run_at, id LIMIT 1) AS oldest,
                    (SELECT max(started_at) FROM ingest_jobs turn WHERE turn.tenant_id = tenants.tenant_id) AS turn
             FROM tenants CROSS JOIN (VALUES ('interactive'), ('bulk')) AS kind (priority) LEFT JOIN busy ON busy.tenant_id = tenants.tenant_id
         ) line, overdue
         WHERE oldest IS NOT NULL AND ($1 = 0 OR busy < $1)
         ORDER BY CASE WHEN priority = 'interactive' THEN 1 WHEN overdue.bulk AND oldest < now() - make_interval(secs => $2) THEN 0 ELSE 2 END,
                  busy, turn NULLS FIRST, oldest, line.tenant_id",
    )
    .bind(i64::from(rules.tenant_running))
    .bind(rules.bulk_patience.as_secs_f64())
    .fetch_all(&mut **tx)
    .await
    .map_err(fault)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The first job of a line that nothing holds up, locked, with its attempts so far.
async fn first(tx: &mut PgTransaction<'static>, tenant: Uuid, priority: &str) -> Result<Option<(Uuid, i32)>> {
    let row = sqlx::query(
        "SELECT job.id, job.attempt FROM ingest_jobs job
         WHERE job.tenant_id = $1 AND job.priority = $2 AND job.state IN ('queued', 'running')
           AND ((job.state = 'queued' AND job.run_at <= now()) OR (job.state = 'running' AND job.lease_until < now()))
           AND NOT EXISTS (SELECT 1 FROM ingest_jobs other WHERE other.tenant_id = job.tenant_id AND other.document_id = job.document_id AND other.id <> job.id
                           AND (other.id < job.id AND (other.state = 'queued' AND other.run_at <= now() OR other.state = 'running') OR other.state = 'running' AND other.lease_until >= now()))
         ORDER BY job.run_at, job.id LIMIT 1 FOR UPDATE SKIP LOCKED",
    )
    .bind(tenant)
    .bind(priority)
    .fetch_optional(&mut **tx)
    .await
    .map_err(fault)?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

async fn take(scope: &SystemScope, store: &Store, rules: &QueueRules, worker: &str) -> Result<Taken> {
    let mut tx = store.system(scope).await?;
    let mut found = None;
    for (tenant, priority) in lines(&mut tx, rules).await? {
        if let Some((job, attempt)) = first(&mut tx, tenant, &priority).await? {
            found = Some((tenant, job, attempt));
            break;
        }
    }
    let Some((tenant, job, attempt)) = found else { return Ok(Taken::Nothing) };
    // From here on inside the tenant; the row stays locked by this transaction.
    sqlx::query("SELECT set_config('fuente.system', '', true), set_config('fuente.tenant', $1, true), set_config('fuente.access', 'manage', true)")
        .bind(tenant.to_string())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if !alone(&mut tx, job).await? {
        return Ok(Taken::Nothing);
    }
    if rules.tenant_running > 0 && !below(&mut tx, tenant, rules.tenant_running).await? {
        return Ok(Taken::Again);
    }
    if attempt >= ATTEMPTS {
        sqlx::query("UPDATE ingest_jobs SET state = 'dead', fence = fence + 1, lease_until = NULL, updated_at = now(), error = 'crashed', advice = $2 WHERE id = $1")
            .bind(job)
            .bind("The worker was lost each time it worked on this document. Look at the file, then try the job again.")
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        commit(tx).await?;
        return Ok(Taken::Again);
    }
    let row = sqlx::query(
        "UPDATE ingest_jobs job SET state = 'running', worker = $2, fence = fence + 1, attempt = attempt + 1, error = NULL, advice = NULL, started_at = now(),
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

/// Whether the tenant has fewer running jobs than it may. Claims of one tenant go one after the other
/// from here on: the count of the look before may be old.
async fn below(tx: &mut PgTransaction<'static>, tenant: Uuid, most: u32) -> Result<bool> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('fuente.claim.' || $1, 0))")
        .bind(tenant.to_string())
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    sqlx::query_scalar(
        "SELECT count(*) < $1 FROM ingest_jobs WHERE tenant_id = $2 AND state = 'running' AND lease_until >= now()",
    )
    .bind(i64::from(most))
    .bind(tenant)
    .fetch_one(&mut **tx)
    .await
    .map_err(fault)
}

/// Whether one more job of this priority may wait, asked before the first byte of an upload. Bulk
/// counts everything that waits; what somebody waits for is held up by its like alone. Uploads that
/// arrive at the same moment may pass together, so the bound is one of order, not of exactness.
///
/// # Errors
/// `RateLimited` where `most` jobs of the tenant wait already (0: no bound).
pub async fn room(scope: &Scope, store: &Store, priority: Priority, most: u32) -> Result<()> {
    if most == 0 {
        return Ok(());
    }
    let mut tx = store.begin(scope, View::Manage).await?;
    let full: bool = sqlx::query_scalar(
        "SELECT count(*) >= $1 FROM (SELECT 1 FROM ingest_jobs WHERE tenant_id = $2 AND state = 'queued' AND state IN ('queued', 'running')
             AND ($3 OR priority = 'interactive') LIMIT $1) waiting",
    )
    .bind(i64::from(most))
    .bind(scope.tenant().0)
    .bind(priority == Priority::Bulk)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    if !full {
        return Ok(());
    }
    let detail = format!(
        "{most} documents wait to be read already, as many as may. Send this one again later; those accepted are not lost."
    );
    Err(Error { retry_after: Some(LATER), ..Error::new(ErrorCode::RateLimited, detail) })
}

/// How many jobs of all tenants are in a state that asks for somebody, and how old the oldest is.
#[derive(Clone, Debug)]
pub struct Depth {
    pub state: String,
    pub jobs: i64,
    /// Since its upload was accepted.
    pub oldest_seconds: f64,
}

/// The states that wait, work, or were given up.
///
/// # Errors
/// Where Postgres fails.
pub async fn depths(scope: &SystemScope, store: &Store) -> Result<Vec<Depth>> {
    let mut tx = store.system(scope).await?;
    let rows = sqlx::query(
        "SELECT state, count(*), extract(epoch FROM now() - min(created_at))::float8 FROM ingest_jobs WHERE state IN ('queued', 'running', 'dead') GROUP BY state",
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let depth = |row: &sqlx::postgres::PgRow| Depth { state: row.get(0), jobs: row.get(1), oldest_seconds: row.get(2) };
    Ok(rows.iter().map(depth).collect())
}
