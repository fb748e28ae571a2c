//! What is deleted for readers but not yet from the index and the disk: worked off until nothing is left.
//!
//! Every round may be repeated, by anyone: removing what is not there is no error.

use crate::db::{Store, commit, fault};
use crate::jobs::Claim;
use fuente_contract::{DocumentId, Error, Result, Scope, SystemScope, TenantId, VersionId};
use sqlx::Row;
use sqlx::postgres::{PgRow, PgTransaction};
use uuid::Uuid;

/// Seconds in which whoever caused a deletion works it off; then anyone does.
const HEAD_START: f64 = 10.0;
/// Seconds after which a file that no version claimed is an upload that was given up.
const LONGEST_UPLOAD: f64 = 86_400.0;
/// Seconds after which no worker writes for a claim that it lost.
const LATE_WRITES: f64 = 120.0;

/// Something to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub id: Uuid,
    pub tenant: TenantId,
    /// Whose vectors; of one version only where `version` names it.
    pub document: Option<DocumentId>,
    pub version: Option<VersionId>,
    pub blobs: Vec<String>,
}

fn deletion(row: &PgRow) -> Deletion {
    Deletion {
        id: row.get("id"),
        tenant: TenantId(row.get("tenant_id")),
        document: row.get::<Option<Uuid>, _>("document_id").map(DocumentId),
        version: row.get::<Option<Uuid>, _>("version_id").map(VersionId),
        blobs: row.get("blob_keys"),
    }
}

/// Foresees the removal of a file that is about to be written. Whoever makes it a version takes
/// this back in the same transaction.
///
/// # Errors
/// `Forbidden` for members.
pub async fn reserve(scope: &Scope, store: &Store, key: &str) -> Result<Deletion> {
    let mut tx = store.manage(scope).await?;
    let deletion = Deletion {
        id: Uuid::now_v7(),
        tenant: scope.tenant(),
        document: None,
        version: None,
        blobs: vec![key.to_owned()],
    };
    insert(&mut tx, &deletion, LONGEST_UPLOAD, false).await?;
    commit(tx).await?;
    Ok(deletion)
}

/// Whether a reservation still stands, for whoever gives up its upload; it comes again in a while. Asked
/// of Postgres, because a commit whose answer got lost may have made the file a version's.
///
/// # Errors
/// Where Postgres fails.
pub async fn stands(scope: &SystemScope, store: &Store, reserved: &Deletion) -> Result<bool> {
    let mut tx = store.inside(scope, reserved.tenant).await?;
    let found = sqlx::query(
        "UPDATE deletions SET attempt = attempt + 1, run_at = now() + make_interval(secs => $2) WHERE id = $1",
    )
    .bind(reserved.id)
    .bind(HEAD_START)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(found.rows_affected() == 1)
}

/// The file is a version's now. Where its removal was begun already, it can be none.
pub(crate) async fn take_back(tx: &mut PgTransaction<'static>, reserved: Uuid) -> Result<()> {
    let kept = sqlx::query("DELETE FROM deletions WHERE id = $1 AND attempt = 0")
        .bind(reserved)
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    if kept.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::invalid("The upload took longer than a day. Send the file again."))
}

/// In the transaction that deletes. `in_hand` says that a worker may be writing vectors right now.
pub(crate) async fn of_document(
    tx: &mut PgTransaction<'static>,
    tenant: TenantId,
    document: DocumentId,
    blobs: Vec<String>,
    in_hand: bool,
) -> Result<Deletion> {
    let deletion = Deletion { id: Uuid::now_v7(), tenant, document: Some(document), version: None, blobs };
    insert(tx, &deletion, HEAD_START, in_hand).await?;
    Ok(deletion)
}

/// In the transaction that ends `version`: its file stays, its vectors go.
pub(crate) async fn of_version(
    tx: &mut PgTransaction<'static>,
    tenant: TenantId,
    document: DocumentId,
    version: VersionId,
    in_hand: bool,
) -> Result<Deletion> {
    let deletion =
        Deletion { id: Uuid::now_v7(), tenant, document: Some(document), version: Some(version), blobs: Vec::new() };
    insert(tx, &deletion, HEAD_START, in_hand).await?;
    Ok(deletion)
}

async fn insert(tx: &mut PgTransaction<'static>, deletion: &Deletion, wait: f64, in_hand: bool) -> Result<()> {
    sqlx::query(
        "INSERT INTO deletions (tenant_id, id, document_id, version_id, blob_keys, run_at, settled_at)
         VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), now() + make_interval(secs => $7))",
    )
    .bind(deletion.tenant.0)
    .bind(deletion.id)
    .bind(deletion.document.map(|id| id.0))
    .bind(deletion.version.map(|id| id.0))
    .bind(&deletion.blobs)
    .bind(wait)
    .bind(if in_hand { LATE_WRITES } else { 0.0 })
    .execute(&mut **tx)
    .await
    .map_err(fault)?;
    Ok(())
}

/// After a claim was lost: what its worker may have written for a version that answers no more.
/// Nothing where the version lives.
///
/// # Errors
/// Where Postgres fails.
pub async fn of_lost(scope: &SystemScope, store: &Store, claim: &Claim) -> Result<Option<Deletion>> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    let lives =
        sqlx::query("SELECT 1 AS one FROM document_versions WHERE id = $1 AND state <> 'superseded' FOR KEY SHARE")
            .bind(claim.version.0)
            .fetch_optional(&mut *tx)
            .await
            .map_err(fault)?;
    if lives.is_some() {
        return Ok(None);
    }
    let deletion = of_version(&mut tx, claim.tenant, claim.document, claim.version, true).await?;
    commit(tx).await?;
    Ok(Some(deletion))
}

/// The next deletion that is due. It comes again, later each time (10 s to an hour), until [`done`].
///
/// # Errors
/// Where Postgres fails.
pub async fn claim(scope: &SystemScope, store: &Store) -> Result<Option<Deletion>> {
    let mut tx = store.system(scope).await?;
    let found =
        sqlx::query("SELECT * FROM deletions WHERE run_at <= now() ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED")
            .fetch_optional(&mut *tx)
            .await
            .map_err(fault)?;
    let Some(found) = found else { return Ok(None) };
    // From here on inside the tenant; the row stays locked by this transaction.
    sqlx::query("SELECT set_config('fuente.system', '', true), set_config('fuente.tenant', $1, true), set_config('fuente.access', 'manage', true)")
        .bind(found.get::<Uuid, _>("tenant_id").to_string())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query("UPDATE deletions SET attempt = attempt + 1, run_at = now() + make_interval(secs => least(3600, 10 * power(2, least(attempt, 10)))) WHERE id = $1")
        .bind(found.get::<Uuid, _>("id"))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    Ok(Some(deletion(&found)))
}

/// Everything was removed. Where a worker might still have written, one more round follows.
///
/// # Errors
/// Where Postgres fails; then the deletion comes again.
pub async fn done(scope: &SystemScope, store: &Store, deletion: &Deletion) -> Result<()> {
    let mut tx = store.inside(scope, deletion.tenant).await?;
    sqlx::query("UPDATE deletions SET run_at = settled_at, attempt = 1 WHERE id = $1 AND settled_at > now()")
        .bind(deletion.id)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query("DELETE FROM deletions WHERE id = $1 AND settled_at <= now()")
        .bind(deletion.id)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await
}
