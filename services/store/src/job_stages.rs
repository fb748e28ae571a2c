//! What a job writes on its way. Everything is repeatable, and every write checks the claim's fence.

use crate::db::{Store, commit, fault};
use crate::jobs::Claim;
use crate::rows::{PassageRow, TextRow, int};
use fuente_contract::document::{Progress, Stage};
use fuente_contract::{Error, LibraryId, Result, SystemScope, UserId, VersionId};
use sqlx::Row;
use sqlx::postgres::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

/// What holds in the transaction that made the version current.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    pub previous: Option<VersionId>,
    /// The version that answers from now on: the claim's, unless a newer one was faster.
    pub current: VersionId,
    pub policy_tag: i64,
    pub owner: UserId,
    pub library: LibraryId,
}

/// Records how far the job is. False where it is no longer this claim's.
///
/// # Errors
/// Where Postgres fails.
pub async fn progress(
    scope: &SystemScope,
    store: &Store,
    claim: &Claim,
    stage: Stage,
    progress: Progress,
) -> Result<bool> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    let kept = sqlx::query(
        "UPDATE ingest_jobs SET stage = $3, pages = $4, passages_done = $5, passages_total = $6, percent = $7, updated_at = now()
         WHERE id = $1 AND fence = $2 AND state = 'running'",
    )
    .bind(claim.job.0)
    .bind(claim.fence)
    .bind(stage.as_str())
    .bind(progress.pages)
    .bind(progress.passages_done)
    .bind(progress.passages_total)
    .bind(progress.percent)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(kept.rows_affected() == 1)
}

/// The job's row, locked, if it is still this claim's.
async fn fenced(tx: &mut PgTransaction<'static>, claim: &Claim) -> Result<()> {
    let row =
        sqlx::query("SELECT 1 AS one FROM ingest_jobs WHERE id = $1 AND fence = $2 AND state = 'running' FOR UPDATE")
            .bind(claim.job.0)
            .bind(claim.fence)
            .fetch_optional(&mut **tx)
            .await
            .map_err(fault)?;
    row.map(|_| ()).ok_or_else(|| Error::conflict("The job belongs to another worker now, or was cancelled."))
}

/// Stores the canonical text of the version, and returns the document's title: the uploader's, else
/// the one that stands in the document, else the file's name.
///
/// # Errors
/// `Conflict` where the claim is lost.
pub async fn save_text(scope: &SystemScope, store: &Store, claim: &Claim, text: &TextRow) -> Result<String> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    fenced(&mut tx, claim).await?;
    sqlx::query("UPDATE document_versions SET text = $2, pages = $3, lang = $4, mime = $5 WHERE id = $1")
        .bind(claim.version.0)
        .bind(&text.text)
        .bind(Json(&text.pages))
        .bind(&text.lang)
        .bind(&text.mime)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if let Some(title) = text.title.as_deref().map(str::trim).filter(|title| !title.is_empty()) {
        let short: String = title.chars().take(300).collect();
        sqlx::query("UPDATE documents SET title = $2 WHERE id = $1 AND NOT title_given")
            .bind(claim.document.0)
            .bind(short)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
    }
    let title = sqlx::query_scalar("SELECT title FROM documents WHERE id = $1")
        .bind(claim.document.0)
        .fetch_one(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    Ok(title)
}

/// Replaces the passages of the version.
///
/// # Errors
/// `Conflict` where the claim is lost.
pub async fn save_passages(scope: &SystemScope, store: &Store, claim: &Claim, rows: &[PassageRow]) -> Result<()> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    fenced(&mut tx, claim).await?;
    sqlx::query("DELETE FROM passages WHERE version_id = $1")
        .bind(claim.version.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    for row in rows {
        sqlx::query(
            "INSERT INTO passages (tenant_id, id, document_id, version_id, ordinal, char_start, char_end, page_from, page_to, heading, text, text_hash, lang, tokens)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(claim.tenant.0)
        .bind(row.id.0)
        .bind(claim.document.0)
        .bind(claim.version.0)
        .bind(int(row.ordinal))
        .bind(int(row.char_start))
        .bind(int(row.char_end))
        .bind(int(row.page_from))
        .bind(int(row.page_to))
        .bind(&row.heading)
        .bind(&row.text)
        .bind(blake3::hash(row.text.as_bytes()).as_bytes().to_vec())
        .bind(&row.lang)
        .bind(int(row.tokens))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    }
    commit(tx).await
}

/// Makes the version current, if the claim still holds and no newer version is: from this commit on
/// it answers, and the one before does not.
///
/// # Errors
/// `Conflict` where the claim is lost.
pub async fn publish(scope: &SystemScope, store: &Store, claim: &Claim, embedder: &str) -> Result<Published> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    fenced(&mut tx, claim).await?;
    let row = sqlx::query(
        "SELECT current_version, tag, owner_id, library_id,
                coalesce((SELECT ordinal FROM document_versions WHERE id = current_version), 0) AS current,
                (SELECT ordinal FROM document_versions WHERE id = $2) AS own
         FROM documents JOIN policies ON policies.tenant_id = documents.tenant_id AND policies.id = effective_policy
         WHERE documents.id = $1 FOR UPDATE OF documents",
    )
    .bind(claim.document.0)
    .bind(claim.version.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    let row = row.ok_or_else(|| Error::conflict("The document was deleted."))?;
    let previous: Option<Uuid> = row.get("current_version");
    let newest = row.get::<i32, _>("own") >= row.get::<i32, _>("current");
    let (state, superseded) = if newest {
        ("live", previous.filter(|id| *id != claim.version.0))
    } else {
        ("superseded", Some(claim.version.0))
    };
    sqlx::query("UPDATE document_versions SET state = $2, embedder = $3, published_at = now() WHERE id = $1")
        .bind(claim.version.0)
        .bind(state)
        .bind(embedder)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if newest {
        sqlx::query("UPDATE documents SET current_version = $2, updated_at = now() WHERE id = $1")
            .bind(claim.document.0)
            .bind(claim.version.0)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
    }
    if let Some(old) = superseded {
        // The text stays, so that citations of old answers can still be opened; the passages go.
        sqlx::query("UPDATE document_versions SET state = 'superseded' WHERE id = $1")
            .bind(old)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        sqlx::query("DELETE FROM passages WHERE version_id = $1").bind(old).execute(&mut *tx).await.map_err(fault)?;
    }
    sqlx::query(
        "UPDATE ingest_jobs SET state = 'done', percent = 100, lease_until = NULL, updated_at = now() WHERE id = $1",
    )
    .bind(claim.job.0)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(Published {
        previous: previous.map(VersionId),
        current: if newest { claim.version } else { previous.map_or(claim.version, VersionId) },
        policy_tag: row.get("tag"),
        owner: UserId(row.get("owner_id")),
        library: LibraryId(row.get("library_id")),
    })
}
