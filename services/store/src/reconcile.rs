//! What Postgres knows, page by page, for the comparison with the index and the disk.

use crate::db::{Store, fault};
use crate::rows::PassageRow;
use fuente_contract::{DocumentId, LibraryId, PassageId, Result, SystemScope, TenantId, UserId, VersionId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::HashSet;
use uuid::Uuid;

/// A passage that answers, and what filters must see of its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LivePassage {
    pub id: PassageId,
    pub document: DocumentId,
    pub version: VersionId,
    pub library: LibraryId,
    pub policy: i64,
    pub owner: UserId,
}

impl LivePassage {
    /// From a row that holds these columns, among others.
    pub(crate) fn read(row: &PgRow) -> Self {
        Self {
            id: PassageId(row.get("id")),
            document: DocumentId(row.get("document_id")),
            version: VersionId(row.get("version_id")),
            library: LibraryId(row.get("library_id")),
            policy: row.get("tag"),
            owner: UserId(row.get("owner_id")),
        }
    }
}

/// The passages of the tenant `$1` that answer.
const LIVE: &str =
    "SELECT passages.id, passages.document_id, passages.version_id, library_id, tag, owner_id FROM passages
     JOIN documents ON documents.tenant_id = passages.tenant_id AND documents.id = passages.document_id
                   AND documents.current_version = passages.version_id
     JOIN policies ON policies.tenant_id = documents.tenant_id AND policies.id = effective_policy
     WHERE passages.tenant_id = $1";

/// The passages that answer, in ascending order of ids: after `after`, up to `to` (to the end where
/// there is none), at most `limit`.
///
/// # Errors
/// Where Postgres fails.
pub async fn live_passages(
    scope: &SystemScope,
    store: &Store,
    tenant: TenantId,
    after: Option<PassageId>,
    to: Option<PassageId>,
    limit: i64,
) -> Result<Vec<LivePassage>> {
    let mut tx = store.inside(scope, tenant).await?;
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "{LIVE} AND ($2::uuid IS NULL OR passages.id > $2) AND ($3::uuid IS NULL OR passages.id <= $3)
         ORDER BY passages.id LIMIT $4"
    )))
    .bind(tenant.0)
    .bind(after.map(|id| id.0))
    .bind(to.map(|id| id.0))
    .bind(limit)
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    Ok(rows.iter().map(LivePassage::read).collect())
}

/// Those of `ids` that answer.
///
/// # Errors
/// Where Postgres fails.
pub async fn live_among(
    scope: &SystemScope,
    store: &Store,
    tenant: TenantId,
    ids: &[PassageId],
) -> Result<Vec<LivePassage>> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut tx = store.inside(scope, tenant).await?;
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{LIVE} AND passages.id = ANY($2)")))
        .bind(tenant.0)
        .bind(wanted)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(rows.iter().map(LivePassage::read).collect())
}

/// Those of `ids` that are passages at all, of whichever version.
///
/// # Errors
/// Where Postgres fails.
pub async fn existing(
    scope: &SystemScope,
    store: &Store,
    tenant: TenantId,
    ids: &[PassageId],
) -> Result<HashSet<PassageId>> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut tx = store.inside(scope, tenant).await?;
    let found: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM passages WHERE tenant_id = $1 AND id = ANY($2)")
        .bind(tenant.0)
        .bind(wanted)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(found.into_iter().map(PassageId).collect())
}

/// A passage with what a point is made of.
#[derive(Clone, Debug)]
pub struct KeptPassage {
    pub row: PassageRow,
    pub title: String,
    pub dense: Vec<f32>,
}

/// Those of `ids` whose vectors of the model `embedder` are kept.
///
/// # Errors
/// Where Postgres fails.
pub async fn kept(
    scope: &SystemScope,
    store: &Store,
    tenant: TenantId,
    ids: &[PassageId],
    embedder: &str,
) -> Result<Vec<KeptPassage>> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut tx = store.inside(scope, tenant).await?;
    let rows = sqlx::query(
        "SELECT passages.*, documents.title, coalesce(next.dense, passages.dense) AS kept FROM passages
         JOIN documents ON documents.tenant_id = passages.tenant_id AND documents.id = passages.document_id
         JOIN document_versions AS versions ON versions.tenant_id = passages.tenant_id AND versions.id = version_id
         LEFT JOIN next_vectors next ON next.tenant_id = passages.tenant_id AND next.passage_id = passages.id AND next.embedder = $3
         WHERE passages.tenant_id = $1 AND passages.id = ANY($2)
           AND (next.embedder IS NOT NULL OR (passages.dense IS NOT NULL AND versions.embedder = $3))",
    )
    .bind(tenant.0)
    .bind(wanted)
    .bind(embedder)
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let kept = rows.iter().map(|row| KeptPassage {
        row: PassageRow::read(row),
        title: row.get("title"),
        dense: crate::passage_vectors::floats(row.get("kept")),
    });
    Ok(kept.collect())
}

/// Keys of all originals that versions have, and of all files whose removal or arrival is under way.
///
/// # Errors
/// Where Postgres fails.
pub async fn files(scope: &SystemScope, store: &Store, tenant: TenantId) -> Result<(HashSet<String>, HashSet<String>)> {
    let mut tx = store.inside(scope, tenant).await?;
    // One statement sees one state. Two would not: an upload that ends between them has no version yet for
    // the first and is foreseen no more for the second, and its original would pass for an orphan.
    let keys: Vec<(String, bool)> = sqlx::query_as(
        "SELECT blob_key, true FROM document_versions WHERE tenant_id = $1
         UNION ALL SELECT unnest(blob_keys), false FROM deletions WHERE tenant_id = $1",
    )
    .bind(tenant.0)
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let (versions, moving): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(_, of_version)| *of_version);
    let keys = |list: Vec<(String, bool)>| list.into_iter().map(|(key, _)| key).collect();
    Ok((keys(versions), keys(moving)))
}
