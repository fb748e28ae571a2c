//! What a job writes on its way. Everything is repeatable, and every write checks the claim's fence.

use crate::db::{Store, commit, fault};
use crate::deletions::{self, Deletion};
use crate::embedders;
use crate::jobs::Claim;
use crate::rows::{PassageRow, TextRow, int};
use fuente_contract::document::{Progress, Stage};
use fuente_contract::{Error, LibraryId, Result, SystemScope, UserId, VersionId};
use sqlx::Row;
use sqlx::postgres::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

/// What holds in the transaction that made the version current.
#[derive(Clone, Debug)]
pub struct Published {
    pub previous: Option<VersionId>,
    /// The version that answers from now on: the claim's, unless a newer one was faster.
    pub current: VersionId,
    /// Vectors of the versions that answer no more: whoever published begins with them.
    pub left: Vec<Deletion>,
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
        "UPDATE ingest_jobs SET stage = $3, pages = $4, passages_done = $5, passages_total = $6, percent = $7, passages_reused = $8, updated_at = now()
         WHERE id = $1 AND fence = $2 AND state = 'running'",
    )
    .bind(claim.job.0)
    .bind(claim.fence)
    .bind(stage.as_str())
    .bind(progress.pages)
    .bind(progress.passages_done)
    .bind(progress.passages_total)
    .bind(progress.percent)
    .bind(progress.passages_reused)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(kept.rows_affected() == 1)
}

/// The job's row, locked, if it is still this claim's. The document's is locked first, as a delete
/// does: in another order the two would wait for each other.
pub(crate) async fn fenced(tx: &mut PgTransaction<'static>, claim: &Claim) -> Result<()> {
    sqlx::query("SELECT 1 AS one FROM documents WHERE id = $1 FOR NO KEY UPDATE")
        .bind(claim.document.0)
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    let row =
        sqlx::query("SELECT 1 AS one FROM ingest_jobs WHERE id = $1 AND fence = $2 AND state = 'running' FOR UPDATE")
            .bind(claim.job.0)
            .bind(claim.fence)
            .fetch_optional(&mut **tx)
            .await
            .map_err(fault)?;
    row.map(|_| ()).ok_or_else(|| Error::conflict("The job belongs to another worker now, or was cancelled."))
}

/// Stores the canonical text of the version, and returns the title under which it is to be published:
/// the uploader's, else the one that stands in the document, else the file's name. The document's own
/// changes with the publication: until then the version before answers under its title.
///
/// # Errors
/// `Conflict` where the claim is lost.
pub async fn save_text(scope: &SystemScope, store: &Store, claim: &Claim, text: &TextRow) -> Result<String> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    fenced(&mut tx, claim).await?;
    let title = text.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    let title: Option<String> = title.map(|title| title.chars().take(300).collect());
    sqlx::query(
        "UPDATE document_versions SET text = $2, pages = $3, lang = $4, mime = $5, own_title = $6 WHERE id = $1",
    )
    .bind(claim.version.0)
    .bind(&text.text)
    .bind(Json(&text.pages))
    .bind(&text.lang)
    .bind(&text.mime)
    .bind(&title)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    let title = sqlx::query_scalar(
        "SELECT CASE WHEN title_given THEN title ELSE coalesce($3, (SELECT file_name FROM document_versions WHERE id = $2)) END
         FROM documents WHERE id = $1",
    )
    .bind(claim.document.0)
    .bind(claim.version.0)
    .bind(title)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(title)
}

/// Writes the passages of the version. Those that an attempt before this one wrote keep the vectors it
/// made for them.
///
/// # Errors
/// `Conflict` where the claim is lost.
pub async fn save_passages(scope: &SystemScope, store: &Store, claim: &Claim, rows: &[PassageRow]) -> Result<()> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    fenced(&mut tx, claim).await?;
    sqlx::query("DELETE FROM passages WHERE version_id = $1 AND ordinal >= $2")
        .bind(claim.version.0)
        .bind(i32::try_from(rows.len()).unwrap_or(i32::MAX))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    for row in rows {
        sqlx::query(
            "INSERT INTO passages (tenant_id, id, document_id, version_id, ordinal, char_start, char_end, page_from, page_to, heading, text, text_hash, lang, tokens)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             ON CONFLICT (tenant_id, id) DO UPDATE SET char_start = $6, char_end = $7, page_from = $8, page_to = $9,
                 heading = $10, text = $11, text_hash = $12, lang = $13, tokens = $14",
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
/// it answers, and the one before does not. None where the tenant is searched with another model than
/// `embedder` by now: then the passages are to be made again, for that one.
///
/// # Errors
/// `Conflict` where the claim is lost.
pub async fn publish(scope: &SystemScope, store: &Store, claim: &Claim, embedder: &str) -> Result<Option<Published>> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    fenced(&mut tx, claim).await?;
    if !embedders::publishes(&mut tx, claim.tenant, embedder).await? {
        return Ok(None);
    }
    let row = sqlx::query(
        "SELECT current_version, tag, owner_id, library_id,
                coalesce((SELECT ordinal FROM document_versions WHERE id = current_version), 0) AS current,
                (SELECT ordinal FROM document_versions WHERE id = $2) AS own
         FROM documents JOIN policies ON policies.tenant_id = documents.tenant_id AND policies.id = effective_policy
         WHERE documents.id = $1",
    )
    .bind(claim.document.0)
    .bind(claim.version.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    let row = row.ok_or_else(|| Error::conflict("The document was deleted."))?;
    let previous: Option<Uuid> = row.get("current_version");
    let newest = row.get::<i32, _>("own") >= row.get::<i32, _>("current");
    sqlx::query("UPDATE document_versions SET state = 'live', embedder = $2, published_at = now() WHERE id = $1")
        .bind(claim.version.0)
        .bind(embedder)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if newest {
        sqlx::query(
            "UPDATE documents SET current_version = $2, updated_at = now(),
                 title = CASE WHEN title_given THEN title ELSE (SELECT coalesce(own_title, file_name) FROM document_versions WHERE id = $2) END
             WHERE id = $1",
        )
        .bind(claim.document.0)
        .bind(claim.version.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    }
    let left = supersede(&mut tx, claim, if newest { row.get("own") } else { row.get::<i32, _>("own") + 1 }).await?;
    sqlx::query(
        "UPDATE ingest_jobs SET state = 'done', percent = 100, lease_until = NULL, updated_at = now() WHERE id = $1",
    )
    .bind(claim.job.0)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(Some(Published {
        previous: previous.map(VersionId),
        current: if newest { claim.version } else { previous.map_or(claim.version, VersionId) },
        policy_tag: row.get("tag"),
        owner: UserId(row.get("owner_id")),
        library: LibraryId(row.get("library_id")),
        left,
    }))
}

/// What the vectors of the claim's version carry, if it is the one that answers.
///
/// # Errors
/// Where Postgres fails.
pub async fn live_tag(scope: &SystemScope, store: &Store, claim: &Claim) -> Result<Option<(i64, UserId, LibraryId)>> {
    let mut tx = store.inside(scope, claim.tenant).await?;
    let row = sqlx::query(
        "SELECT tag, owner_id, library_id FROM documents
         JOIN policies ON policies.tenant_id = documents.tenant_id AND policies.id = effective_policy
         WHERE documents.id = $1 AND current_version = $2",
    )
    .bind(claim.document.0)
    .bind(claim.version.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    Ok(row.map(|row| (row.get(0), UserId(row.get(1)), LibraryId(row.get(2)))))
}

/// Ends the versions older than `ordinal`. Their texts stay, so that citations of old answers can
/// still be opened; their passages and vectors go, and jobs that still wait for them are over.
async fn supersede(tx: &mut PgTransaction<'static>, claim: &Claim, ordinal: i32) -> Result<Vec<Deletion>> {
    let older: Vec<Uuid> = sqlx::query_scalar(
        "UPDATE document_versions SET state = 'superseded' WHERE document_id = $1 AND ordinal < $2 AND state <> 'superseded' RETURNING id",
    )
    .bind(claim.document.0)
    .bind(ordinal)
    .fetch_all(&mut **tx)
    .await
    .map_err(fault)?;
    sqlx::query("DELETE FROM passages WHERE version_id = ANY($1)")
        .bind(&older)
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    let overtaken = sqlx::query(
        "UPDATE ingest_jobs SET state = 'cancelled', fence = fence + 1, lease_until = NULL, updated_at = now(), error = 'superseded', advice = $3
         WHERE version_id = ANY($1) AND id <> $2 AND state IN ('queued', 'running')",
    )
    .bind(&older)
    .bind(claim.job.0)
    .bind("A newer version of the document answers. There is nothing to do.")
    .execute(&mut **tx)
    .await
    .map_err(fault)?;
    let mut left = Vec::new();
    for version in older {
        let in_hand = overtaken.rows_affected() > 0;
        left.push(deletions::of_version(tx, claim.tenant, claim.document, VersionId(version), in_hand).await?);
    }
    Ok(left)
}
