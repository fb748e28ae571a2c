//! An accepted upload: document, version and job in one transaction.

use crate::db::{Store, commit, fault};
use crate::deletions;
use crate::policies;
use fuente_contract::document::Priority;
use fuente_contract::ingest::{Accepted, Upload};
use fuente_contract::{DocumentId, Error, JobId, LibraryId, Result, Scope, VersionId};
use sqlx::Row;
use sqlx::postgres::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

/// Bytes that are in the blob store already.
#[derive(Clone, Debug)]
pub struct AcceptedBlob {
    pub key: String,
    /// The [`crate::Deletion`] that was foreseen for it.
    pub reserved: Uuid,
    pub bytes: u64,
    /// blake3.
    pub hash: Vec<u8>,
    pub mime: String,
}

/// Writes what makes the upload last. The same bytes as the version that answers, or as the one
/// that is about to, are no work.
///
/// # Errors
/// `NotFound` where the library is not the tenant's, `Forbidden` for members.
pub async fn accept(scope: &Scope, store: &Store, upload: &Upload, blob: AcceptedBlob) -> Result<Accepted> {
    let mut tx = store.manage(scope).await?;
    let policy = library_policy(&mut tx, scope, upload.library).await?;
    let own = match &upload.rules {
        Some(rules) => Some(policies::own_policy(&mut tx, scope.tenant(), rules).await?.0),
        None => None,
    };
    let document = document(&mut tx, scope, upload, own, policy).await?;
    if upload.priority == Priority::Interactive {
        // Somebody waits for this document now: for the job that has its bytes already, or for the
        // older version that must end before the new one begins.
        sqlx::query("UPDATE ingest_jobs SET priority = 'interactive' WHERE document_id = $1 AND state = 'queued' AND priority = 'bulk'")
            .bind(document.0)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
    }
    if let Some(accepted) = unchanged(&mut tx, document, &blob).await? {
        // Rights or title may have changed all the same. The file is nobody's; its removal stands.
        commit(tx).await?;
        return Ok(accepted);
    }
    deletions::take_back(&mut tx, blob.reserved).await?;
    let (version, job) = (VersionId::fresh(), JobId::fresh());
    sqlx::query(
        "INSERT INTO document_versions (tenant_id, id, document_id, ordinal, state, blob_key, bytes, content_hash, file_name, mime)
         VALUES ($1, $2, $3, 1 + coalesce((SELECT max(ordinal) FROM document_versions WHERE document_id = $3), 0), 'pending', $4, $5, $6, $7, $8)",
    )
    .bind(scope.tenant().0)
    .bind(version.0)
    .bind(document.0)
    .bind(&blob.key)
    .bind(i64::try_from(blob.bytes).unwrap_or(i64::MAX))
    .bind(&blob.hash)
    .bind(&upload.file_name)
    .bind(&blob.mime)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    sqlx::query(
        "INSERT INTO ingest_jobs (tenant_id, id, document_id, version_id, state, priority) VALUES ($1, $2, $3, $4, 'queued', $5)",
    )
    .bind(scope.tenant().0)
    .bind(job.0)
    .bind(document.0)
    .bind(version.0)
    .bind(upload.priority.as_str())
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(Accepted { document, version, job: Some(job), unchanged: false })
}

async fn library_policy(tx: &mut PgTransaction<'static>, scope: &Scope, library: LibraryId) -> Result<Uuid> {
    if scope.libraries().is_some_and(|held| !held.contains(&library)) {
        return Err(Error::not_found());
    }
    let row = sqlx::query("SELECT policy_id FROM libraries WHERE id = $1")
        .bind(library.0)
        .fetch_optional(&mut **tx)
        .await
        .map_err(fault)?;
    row.map(|row| row.get(0)).ok_or_else(Error::not_found)
}

/// Finds the document by its external id, or makes it. Its row is locked: two uploads of the same
/// document go one after the other.
async fn document(
    tx: &mut PgTransaction<'static>,
    scope: &Scope,
    upload: &Upload,
    own: Option<Uuid>,
    policy: Uuid,
) -> Result<DocumentId> {
    let row = sqlx::query(
        "INSERT INTO documents (tenant_id, id, library_id, external_id, title, title_given, owner_id, own_policy, effective_policy, metadata)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($8, $9), coalesce($10, '{}'::jsonb))
         ON CONFLICT (tenant_id, library_id, external_id) DO UPDATE SET
             title = CASE WHEN excluded.title_given THEN excluded.title ELSE documents.title END,
             title_given = documents.title_given OR excluded.title_given,
             metadata = coalesce($10, documents.metadata),
             updated_at = now()
         RETURNING id, own_policy",
    )
    .bind(scope.tenant().0)
    .bind(DocumentId::fresh().0)
    .bind(upload.library.0)
    .bind(&upload.external_id)
    .bind(upload.title.as_deref().unwrap_or(&upload.file_name))
    .bind(upload.title.is_some())
    .bind(scope.user().0)
    .bind(own)
    .bind(policy)
    .bind(upload.metadata.as_ref().map(Json))
    .fetch_one(&mut **tx)
    .await
    .map_err(fault)?;
    let id = DocumentId(row.get(0));
    // A statement of its own, and only where there is a change: naming these columns raises the epoch.
    if own.is_some() && row.get::<Option<Uuid>, _>(1) != own {
        sqlx::query("UPDATE documents SET own_policy = $2, effective_policy = $2 WHERE id = $1")
            .bind(id.0)
            .bind(own)
            .execute(&mut **tx)
            .await
            .map_err(fault)?;
    }
    Ok(id)
}

async fn unchanged(
    tx: &mut PgTransaction<'static>,
    document: DocumentId,
    blob: &AcceptedBlob,
) -> Result<Option<Accepted>> {
    let row = sqlx::query(
        "SELECT version.id, version.content_hash = $2 AS same,
                (SELECT job.id FROM ingest_jobs job WHERE job.version_id = version.id AND job.state IN ('queued', 'running')) AS job
         FROM document_versions version WHERE version.document_id = $1
           AND (version.state = 'live' OR version.state = 'pending' AND EXISTS (
               SELECT 1 FROM ingest_jobs job WHERE job.version_id = version.id AND job.state IN ('queued', 'running')))
         ORDER BY ordinal DESC LIMIT 1",
    )
    .bind(document.0)
    .bind(&blob.hash)
    .fetch_optional(&mut **tx)
    .await
    .map_err(fault)?;
    Ok(row.filter(|row| row.get("same")).map(|row| Accepted {
        document,
        version: VersionId(row.get("id")),
        job: row.get::<Option<Uuid>, _>("job").map(JobId),
        unchanged: true,
    }))
}
