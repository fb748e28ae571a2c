//! Vectors of the next embedding model, beside those of the one that answers: made page by page under a
//! lease, put in force by one row, and taken over by the passages after that, a few documents at a time.

use crate::db::{Store, commit, fault};
use crate::embedders::{SideLease, fenced};
use crate::passage_vectors::{EmbeddedHash, KeptVectors, bytes};
use crate::reconcile::LivePassage;
use crate::rows::PassageRow;
use fuente_contract::{PassageId, Result, SystemScope, TenantId};
use sqlx::Row;
use sqlx::postgres::PgTransaction;
use uuid::Uuid;

/// Passages that answer and have no vectors of the model `$1`. Those that a version published with it
/// keep theirs where they are.
const MISSING: &str = "FROM passages
     JOIN documents ON documents.tenant_id = passages.tenant_id AND documents.id = passages.document_id
                   AND documents.current_version = passages.version_id
     JOIN document_versions versions ON versions.tenant_id = passages.tenant_id AND versions.id = passages.version_id
     JOIN policies ON policies.tenant_id = documents.tenant_id AND policies.id = effective_policy
     WHERE NOT (versions.embedder IS NOT DISTINCT FROM $1 AND dense IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM next_vectors next WHERE next.tenant_id = passages.tenant_id
                       AND next.passage_id = passages.id AND next.embedder = $1)";

/// A passage to be read by the next model.
#[derive(Clone, Debug)]
pub struct Unread {
    pub live: LivePassage,
    pub row: PassageRow,
    pub title: String,
}

/// The next passages after `after` that lack vectors of the lease's model.
///
/// # Errors
/// Where Postgres fails.
pub async fn missing(
    scope: &SystemScope,
    store: &Store,
    lease: &SideLease,
    after: Option<PassageId>,
    limit: i64,
) -> Result<Vec<Unread>> {
    let mut tx = store.inside(scope, lease.tenant).await?;
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT passages.*, title, library_id, tag, owner_id {MISSING} AND ($2::uuid IS NULL OR passages.id > $2) ORDER BY passages.id LIMIT $3"
    )))
    .bind(&lease.embedder)
    .bind(after.map(|id| id.0))
    .bind(limit)
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let unread = |row| Unread { live: LivePassage::read(row), row: PassageRow::read(row), title: row.get("title") };
    Ok(rows.iter().map(unread).collect())
}

/// Keeps what the next model made of passages, and says how far the work is. Those that were deleted
/// meanwhile are passed over.
///
/// # Errors
/// `Conflict` where the lease is lost.
pub async fn save(
    scope: &SystemScope,
    store: &Store,
    lease: &SideLease,
    made: &[(PassageId, EmbeddedHash, KeptVectors)],
) -> Result<()> {
    let ids: Vec<Uuid> = made.iter().map(|(id, _, _)| id.0).collect();
    let hashes: Vec<&[u8]> = made.iter().map(|(_, hash, _)| hash.as_slice()).collect();
    let dense: Vec<Vec<u8>> = made.iter().map(|(_, _, vectors)| bytes(&vectors.dense)).collect();
    let sentences: Vec<&[u8]> = made.iter().map(|(_, _, vectors)| vectors.sentences.as_slice()).collect();
    let mut tx = store.inside(scope, lease.tenant).await?;
    // The passages first, as whoever deletes them does; and those that somebody deletes right now are not
    // waited for: in another order the two would wait for each other. What is left out is missing still.
    let kept: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM passages WHERE id = ANY($1) FOR KEY SHARE SKIP LOCKED")
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    fenced(&mut tx, lease).await?;
    sqlx::query(
        "INSERT INTO next_vectors (tenant_id, passage_id, embedder, embedded_hash, dense, sentence_vectors)
         SELECT passages.tenant_id, passages.id, $1, made.hash, made.dense, made.sentences
         FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[]) AS made (id, hash, dense, sentences)
         JOIN passages ON passages.id = made.id AND passages.id = ANY($6)
         ON CONFLICT (tenant_id, passage_id, embedder) DO UPDATE
             SET embedded_hash = excluded.embedded_hash, dense = excluded.dense, sentence_vectors = excluded.sentence_vectors",
    )
    .bind(&lease.embedder)
    .bind(&ids)
    .bind(hashes)
    .bind(dense)
    .bind(sentences)
    .bind(&kept)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    // Documents that are published meanwhile add to what there is to do.
    sqlx::query(
        "UPDATE side_indexes SET passages_done = passages_done + $2, passages_total = greatest(passages_total, passages_done + $2),
             updated_at = now() WHERE embedder = $1",
    )
        .bind(&lease.embedder)
        .bind(i64::try_from(kept.len()).unwrap_or(0))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await
}

/// Counts what is done and what there is: (done, total).
///
/// # Errors
/// `Conflict` where the lease is lost.
pub async fn count(scope: &SystemScope, store: &Store, lease: &SideLease) -> Result<(i64, i64)> {
    let mut tx = store.inside(scope, lease.tenant).await?;
    let left = left(&mut tx, lease).await?;
    let total: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM passages JOIN documents ON documents.tenant_id = passages.tenant_id
             AND documents.id = passages.document_id AND documents.current_version = passages.version_id",
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    fenced(&mut tx, lease).await?;
    let done = total.saturating_sub(left);
    sqlx::query("UPDATE side_indexes SET passages_done = $2, passages_total = $3, settled_at = NULL, updated_at = now() WHERE embedder = $1")
        .bind(&lease.embedder)
        .bind(done)
        .bind(total)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    Ok((done, total))
}

async fn left(tx: &mut PgTransaction<'static>, lease: &SideLease) -> Result<i64> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) {MISSING}")))
        .bind(&lease.embedder)
        .fetch_one(&mut **tx)
        .await
        .map_err(fault)
}

/// How a switch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Switched {
    /// From this commit on the lease's model answers; the one before it is to be cleared.
    Done { from: Option<String> },
    /// Passages were published meanwhile that the next model has not read.
    Missing(i64),
    /// Another model is wanted by now.
    Unwanted,
}

/// Makes the lease's model the one that answers, if no passage lacks its vectors. A publication waits
/// for this transaction, or this one for it.
///
/// # Errors
/// `Conflict` where the lease is lost.
pub async fn switch(scope: &SystemScope, store: &Store, lease: &SideLease) -> Result<Switched> {
    let mut tx = store.inside(scope, lease.tenant).await?;
    let row = sqlx::query("SELECT embedder, wanted_embedder FROM tenants WHERE tenant_id = $1 FOR UPDATE")
        .bind(lease.tenant.0)
        .fetch_one(&mut *tx)
        .await
        .map_err(fault)?;
    if row.get::<Option<&str>, _>("wanted_embedder") != Some(lease.embedder.as_str()) {
        return Ok(Switched::Unwanted);
    }
    fenced(&mut tx, lease).await?;
    let left = left(&mut tx, lease).await?;
    if left > 0 {
        return Ok(Switched::Missing(left));
    }
    let from: Option<String> = row.get("embedder");
    sqlx::query("UPDATE tenants SET embedder = $2 WHERE tenant_id = $1")
        .bind(lease.tenant.0)
        .bind(&lease.embedder)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query("DELETE FROM side_indexes WHERE embedder = $1")
        .bind(&lease.embedder)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query(
        "INSERT INTO side_indexes (tenant_id, embedder) SELECT $1, $2 WHERE $2 IS NOT NULL ON CONFLICT DO NOTHING",
    )
    .bind(lease.tenant.0)
    .bind(&from)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(Switched::Done { from })
}

/// Gives the passages of one version the vectors that the model which answers made for them. A version at a
/// time: all at once would lock every document of the tenant. False where none is left.
///
/// # Errors
/// Where Postgres fails.
pub async fn take_over(scope: &SystemScope, store: &Store, tenant: TenantId) -> Result<bool> {
    let mut tx = store.inside(scope, tenant).await?;
    let version: Option<(Uuid, String)> = sqlx::query_as(
        "SELECT version_id, next.embedder FROM next_vectors next
         JOIN tenants ON tenants.tenant_id = next.tenant_id AND tenants.embedder = next.embedder
         JOIN passages ON passages.tenant_id = next.tenant_id AND passages.id = next.passage_id LIMIT 1",
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    let Some((version, embedder)) = version else { return Ok(false) };
    // The document first, as a publication and a delete do.
    sqlx::query("SELECT 1 AS one FROM documents WHERE id = (SELECT document_id FROM document_versions WHERE id = $1) FOR NO KEY UPDATE")
        .bind(version)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query(
        "UPDATE passages SET embedded_hash = next.embedded_hash, dense = next.dense, sentence_vectors = next.sentence_vectors
         FROM next_vectors next WHERE version_id = $1 AND next.passage_id = passages.id AND next.embedder = $2",
    )
    .bind(version)
    .bind(&embedder)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    sqlx::query("UPDATE document_versions SET embedder = $2 WHERE id = $1")
        .bind(version)
        .bind(&embedder)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query(
        "DELETE FROM next_vectors WHERE embedder = $2 AND passage_id IN (SELECT id FROM passages WHERE version_id = $1)",
    )
    .bind(version)
    .bind(&embedder)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(true)
}
