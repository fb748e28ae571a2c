//! Documents as their managers ask for them: lists by filter, versions, and a new reading of what
//! is stored.

use crate::db::{Store, commit, fault, limited};
use crate::documents::info;
use crate::rows::{after, page, stamp};
use fuente_contract::document::{JobState, Priority};
use fuente_contract::ingest::Accepted;
use fuente_contract::manage::{DocumentState, ManagedDocument, Metadata, VersionInfo, VersionState};
use fuente_contract::{Cursor, DocumentId, Error, JobId, LibraryId, Page, Result, Scope, VersionId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

/// Which documents a manager asks for; all of the tenant where nothing is named.
#[derive(Clone, Debug, Default)]
pub struct DocumentFilter {
    pub library: Option<LibraryId>,
    pub state: Option<DocumentState>,
    /// Words that stand, as they are, in the title or the external id; case does not matter.
    pub text: Option<String>,
    /// Entries that the document's metadata must have.
    pub metadata: Option<Metadata>,
    pub updated_since: Option<OffsetDateTime>,
}

const LIST: &str = "SELECT documents.id, library_id, external_id, title, owner_id, current_version, own_policy IS NOT NULL AS own, metadata, documents.updated_at,
        coalesce(newest.mime, '') AS mime, coalesce(newest.bytes, 0) AS bytes, coalesce(encode(newest.content_hash, 'hex'), '') AS hash, job.state AS job
     FROM documents
     LEFT JOIN LATERAL (SELECT mime, bytes, content_hash FROM document_versions version
         WHERE version.tenant_id = documents.tenant_id AND version.document_id = documents.id ORDER BY ordinal DESC LIMIT 1) newest ON true
     LEFT JOIN LATERAL (SELECT state FROM ingest_jobs newest_job
         WHERE newest_job.tenant_id = documents.tenant_id AND newest_job.document_id = documents.id ORDER BY newest_job.id DESC LIMIT 1) job ON true
     WHERE documents.id > $1 AND ($2::uuid IS NULL OR library_id = $2) AND ($3::uuid[] IS NULL OR library_id = ANY($3))
       AND ($4::text IS NULL OR title ILIKE $4 OR external_id ILIKE $4)
       AND ($5::jsonb IS NULL OR metadata @> $5)
       AND ($6::timestamptz IS NULL OR documents.updated_at >= $6)
       AND ($7::text[] IS NULL OR coalesce(job.state, 'done') = ANY($7))
     ORDER BY documents.id LIMIT $8";

fn managed(row: &PgRow) -> ManagedDocument {
    let job = row.get::<Option<&str>, _>("job").and_then(JobState::parse).unwrap_or(JobState::Done);
    ManagedDocument {
        info: info(row),
        state: job.into(),
        bytes: u64::try_from(row.get::<i64, _>("bytes")).unwrap_or(0),
        hash: row.get("hash"),
    }
}

/// The states of a newest job that make a document's.
fn job_states(state: DocumentState) -> Vec<String> {
    [JobState::Queued, JobState::Running, JobState::Done, JobState::Failed, JobState::Dead, JobState::Cancelled]
        .into_iter()
        .filter(|job| DocumentState::from(*job) == state)
        .map(|job| job.as_str().to_owned())
        .collect()
}

/// A pattern that finds `text` as it stands.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "%"
}

/// The documents of the tenant that fit the filter.
///
/// # Errors
/// `Forbidden` for members.
pub async fn list(
    scope: &Scope,
    store: &Store,
    filter: &DocumentFilter,
    cursor: &Cursor,
) -> Result<Page<ManagedDocument>> {
    let mut tx = store.manage(scope).await?;
    let rows = sqlx::query(LIST)
        .bind(after(cursor))
        .bind(filter.library.map(|id| id.0))
        .bind(limited(scope))
        .bind(filter.text.as_deref().map(pattern))
        .bind(filter.metadata.as_ref().map(Json))
        .bind(filter.updated_since)
        .bind(filter.state.map(job_states))
        .bind(cursor.limit() + 1)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(page(rows.iter().map(managed).collect(), cursor, |document: &ManagedDocument| document.info.id.0))
}

/// The versions of a document, the newest first.
///
/// # Errors
/// `Forbidden` for members; `InvalidRequest` where the cursor is none.
pub async fn versions(scope: &Scope, store: &Store, id: DocumentId, cursor: &Cursor) -> Result<Page<VersionInfo>> {
    let before = match cursor.after.as_deref() {
        None => Uuid::max(),
        Some(after) => after.parse().map_err(|_| Error::invalid("`after` is not the `next` of a page before."))?,
    };
    let mut tx = store.manage(scope).await?;
    let rows = sqlx::query(
        "SELECT version.id, ordinal, state, bytes, encode(content_hash, 'hex') AS hash, file_name, mime,
                coalesce(jsonb_array_length(pages), 0) AS pages, version.created_at, published_at,
                (SELECT count(*) FROM passages WHERE passages.tenant_id = version.tenant_id AND passages.version_id = version.id) AS passages,
                coalesce(current_version = version.id, false) AS current
         FROM document_versions version
         JOIN documents ON documents.tenant_id = version.tenant_id AND documents.id = version.document_id
         WHERE version.document_id = $1 AND version.id < $2 ORDER BY version.id DESC LIMIT $3",
    )
    .bind(id.0)
    .bind(before)
    .bind(cursor.limit() + 1)
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    Ok(page(rows.iter().map(version).collect(), cursor, |version: &VersionInfo| version.id.0))
}

fn version(row: &PgRow) -> VersionInfo {
    VersionInfo {
        id: VersionId(row.get("id")),
        ordinal: row.get("ordinal"),
        state: VersionState::parse(row.get("state")).unwrap_or(VersionState::Failed),
        current: row.get("current"),
        file_name: row.get("file_name"),
        mime: row.get("mime"),
        bytes: u64::try_from(row.get::<i64, _>("bytes")).unwrap_or(0),
        hash: row.get("hash"),
        pages: row.get("pages"),
        passages: row.get("passages"),
        created_at: stamp(row.get("created_at")),
        published_at: row.get::<Option<OffsetDateTime>, _>("published_at").map(stamp),
    }
}

/// Makes a version of the newest one's stored original, and a job for it. What answers goes on
/// answering until the new version is published.
///
/// # Errors
/// `NotFound`; `Conflict` where a version of it is being worked on already.
pub async fn reingest(scope: &Scope, store: &Store, id: DocumentId, priority: Priority) -> Result<Accepted> {
    let mut tx = store.manage(scope).await?;
    // Locked as an upload of the document locks it: the two go one after the other.
    let busy: Option<bool> = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM ingest_jobs job WHERE job.tenant_id = documents.tenant_id AND job.document_id = documents.id AND job.state IN ('queued', 'running'))
         FROM documents WHERE id = $1 FOR NO KEY UPDATE",
    )
    .bind(id.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    if busy.ok_or_else(Error::not_found)? {
        return Err(Error::conflict(
            "A version of this document is being worked on already. Wait for it, or cancel it.",
        ));
    }
    let (version, job) = (VersionId::fresh(), JobId::fresh());
    let made = sqlx::query(
        "INSERT INTO document_versions (tenant_id, id, document_id, ordinal, state, blob_key, bytes, content_hash, file_name, mime)
         SELECT tenant_id, $2, document_id, ordinal + 1, 'pending', blob_key, bytes, content_hash, file_name, mime
         FROM document_versions WHERE document_id = $1 ORDER BY ordinal DESC LIMIT 1",
    )
    .bind(id.0)
    .bind(version.0)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    if made.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    sqlx::query(
        "INSERT INTO ingest_jobs (tenant_id, id, document_id, version_id, state, priority) VALUES ($1, $2, $3, $4, 'queued', $5)",
    )
    .bind(scope.tenant().0)
    .bind(job.0)
    .bind(id.0)
    .bind(version.0)
    .bind(priority.as_str())
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(Accepted { document: id, version, job: Some(job), unchanged: false })
}
