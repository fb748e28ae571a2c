//! Documents, in two views: what readers read, and what administrators manage.

use crate::access::epoch_in;
use crate::db::{Store, View, commit, fault, limited};
use crate::deletions::{self, Deletion};
use crate::rows::{after, int, page, stamp, unsigned};
use fuente_contract::document::{DeleteReceipt, DocumentInfo, DocumentText, PageStart};
use fuente_contract::manage::Metadata;
use fuente_contract::{Cursor, DocumentId, Error, LibraryId, Page, Result, Scope, UserId, VersionId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use uuid::Uuid;

const LIST: &str = "SELECT documents.id, library_id, external_id, title, owner_id, current_version, own_policy IS NOT NULL AS own, metadata, updated_at,
        coalesce((SELECT mime FROM document_versions version WHERE version.document_id = documents.id
                  ORDER BY version.id = current_version DESC NULLS LAST, ordinal DESC LIMIT 1), '') AS mime
     FROM documents
     WHERE documents.id > $1 AND ($2::uuid IS NULL OR library_id = $2) AND ($3::uuid[] IS NULL OR library_id = ANY($3))
       AND ($4::uuid IS NULL OR documents.id = $4) AND ($5 OR current_version IS NOT NULL)
     ORDER BY documents.id LIMIT $6";

pub(crate) fn info(row: &PgRow) -> DocumentInfo {
    DocumentInfo {
        id: DocumentId(row.get("id")),
        library: LibraryId(row.get("library_id")),
        external_id: row.get("external_id"),
        title: row.get("title"),
        mime: row.get("mime"),
        owner: UserId(row.get("owner_id")),
        current: row.get::<Option<Uuid>, _>("current_version").map(VersionId),
        own_policy: row.get("own"),
        metadata: row.get::<Json<Metadata>, _>("metadata").0,
        updated_at: stamp(row.get::<OffsetDateTime, _>("updated_at")),
    }
}

async fn listed(
    scope: &Scope,
    store: &Store,
    view: View,
    library: Option<LibraryId>,
    one: Option<DocumentId>,
    cursor: &Cursor,
) -> Result<Vec<DocumentInfo>> {
    let mut tx = if view == View::Manage { store.manage(scope).await? } else { store.begin(scope, view).await? };
    let rows = sqlx::query(LIST)
        .bind(after(cursor))
        .bind(library.map(|id| id.0))
        .bind(limited(scope))
        .bind(one.map(|id| id.0))
        .bind(view == View::Manage)
        .bind(cursor.limit() + 1)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(rows.iter().map(info).collect())
}

/// All documents of the tenant, for administrators.
///
/// # Errors
/// `Forbidden` for members.
pub async fn list(
    scope: &Scope,
    store: &Store,
    library: Option<LibraryId>,
    cursor: &Cursor,
) -> Result<Page<DocumentInfo>> {
    Ok(page(listed(scope, store, View::Manage, library, None, cursor).await?, cursor, |document| document.id.0))
}

/// The published documents that the user reads.
///
/// # Errors
/// Where Postgres fails.
pub async fn readable_list(
    scope: &Scope,
    store: &Store,
    library: Option<LibraryId>,
    cursor: &Cursor,
) -> Result<Page<DocumentInfo>> {
    Ok(page(listed(scope, store, View::Reader, library, None, cursor).await?, cursor, |document| document.id.0))
}

/// A published document that the user reads.
///
/// # Errors
/// `NotFound`.
pub async fn get(scope: &Scope, store: &Store, id: DocumentId) -> Result<DocumentInfo> {
    listed(scope, store, View::Reader, None, Some(id), &Cursor::default()).await?.pop().ok_or_else(Error::not_found)
}

/// Whether the user reads every one of `ids` now.
///
/// # Errors
/// Where Postgres fails: then nothing is readable.
pub async fn reads_all(scope: &Scope, store: &Store, ids: &BTreeSet<DocumentId>) -> Result<bool> {
    let mut tx = store.begin(scope, View::Reader).await?;
    let read: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM documents
         WHERE id = ANY($1) AND current_version IS NOT NULL AND ($2::uuid[] IS NULL OR library_id = ANY($2))",
    )
    .bind(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(limited(scope))
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    Ok(usize::try_from(read) == Ok(ids.len()))
}

/// The canonical text of a document that the user reads: its current version, or one that was.
///
/// # Errors
/// `NotFound`.
pub async fn text(scope: &Scope, store: &Store, id: DocumentId, version: Option<VersionId>) -> Result<DocumentText> {
    text_range(scope, store, id, version, 0, None).await
}

/// Of [`text`] the characters from `from` up to `to`; what lies beyond its end is not there.
///
/// # Errors
/// `NotFound`.
pub async fn text_range(
    scope: &Scope,
    store: &Store,
    id: DocumentId,
    version: Option<VersionId>,
    from: u32,
    to: Option<u32>,
) -> Result<DocumentText> {
    let wanted = to.map_or(i32::MAX, |to| int(to.saturating_sub(from)));
    let mut tx = store.begin(scope, View::Reader).await?;
    let row = sqlx::query(
        "SELECT version.id AS version, title, substr(version.text, $4, $5) AS text, char_length(version.text) AS chars, version.pages FROM documents
         JOIN document_versions version ON version.tenant_id = documents.tenant_id AND version.document_id = documents.id
         WHERE documents.id = $1 AND version.id = coalesce($2, current_version) AND version.state IN ('live', 'superseded')
           AND version.text IS NOT NULL AND ($3::uuid[] IS NULL OR library_id = ANY($3))",
    )
    .bind(id.0)
    .bind(version.map(|id| id.0))
    .bind(limited(scope))
    .bind(int(from).saturating_add(1))
    .bind(wanted)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    let row = row.ok_or_else(Error::not_found)?;
    let pages: Option<Json<Vec<PageStart>>> = row.get("pages");
    let chars = unsigned(row.get("chars"));
    let from = from.min(chars);
    Ok(DocumentText {
        document: id,
        version: VersionId(row.get("version")),
        title: row.get("title"),
        text: row.get("text"),
        from,
        to: to.unwrap_or(chars).clamp(from, chars),
        chars,
        pages: pages.map(|Json(pages)| pages).unwrap_or_default(),
    })
}

/// What a document's vectors carry: policy tag, owner, library.
///
/// # Errors
/// `NotFound`.
pub async fn tag(scope: &Scope, store: &Store, id: DocumentId) -> Result<(i64, UserId, LibraryId)> {
    let mut tx = store.manage(scope).await?;
    let row = sqlx::query("SELECT tag, owner_id, library_id FROM documents JOIN policies ON policies.tenant_id = documents.tenant_id AND policies.id = effective_policy WHERE documents.id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    let row = row.ok_or_else(Error::not_found)?;
    Ok((row.get(0), UserId(row.get(1)), LibraryId(row.get(2))))
}

/// Removes a document: its versions, passages and jobs, and the text of every answer that used it.
/// Returns the counts, and what is left to remove outside the database: the caller begins with it,
/// and whatever happens to the caller, it is worked off.
///
/// # Errors
/// `NotFound`.
pub async fn delete(scope: &Scope, store: &Store, id: DocumentId) -> Result<(DeleteReceipt, Deletion)> {
    let mut tx = store.manage(scope).await?;
    // Locked before anything is read of it: an upload or a publication that was first counts.
    let locked = sqlx::query("SELECT 1 AS one FROM documents WHERE id = $1 FOR UPDATE")
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    locked.ok_or_else(Error::not_found)?;
    let row = sqlx::query(
        "SELECT ARRAY(SELECT DISTINCT blob_key FROM document_versions WHERE document_id = $1) AS keys,
                (SELECT count(*) FROM document_versions WHERE document_id = $1) AS versions,
                (SELECT count(*) FROM passages WHERE document_id = $1) AS passages,
                EXISTS (SELECT 1 FROM ingest_jobs WHERE document_id = $1 AND (state = 'running' OR updated_at > now() - interval '2 minutes')) AS worked_on",
    )
    .bind(id.0)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    let keys: Vec<String> = row.get("keys");
    let citations =
        sqlx::query("UPDATE message_citations SET quote = NULL WHERE document_id = $1 AND quote IS NOT NULL")
            .bind(id.0)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
    // The answer itself was made of the document's text, and so was its trace.
    sqlx::query("UPDATE messages SET reply = 'null' WHERE documents @> ARRAY[$1]")
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query("UPDATE documents SET current_version = NULL WHERE id = $1")
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    sqlx::query("DELETE FROM documents WHERE id = $1").bind(id.0).execute(&mut *tx).await.map_err(fault)?;
    // A version that was made of a stored original shares its file with the one before.
    let versions = u64::try_from(row.get::<i64, _>("versions")).unwrap_or(0);
    let left = deletions::of_document(&mut tx, scope.tenant(), id, keys, row.get("worked_on")).await?;
    let epoch = epoch_in(&mut tx).await?;
    commit(tx).await?;
    let receipt = DeleteReceipt {
        versions,
        passages: u64::try_from(row.get::<i64, _>("passages")).unwrap_or(0),
        citations: citations.rows_affected(),
        epoch,
        ..DeleteReceipt::default()
    };
    Ok((receipt, left))
}
