//! Where the original of a document lies, for those who read the document.

use crate::db::{Store, View, fault, limited};
use fuente_contract::ingest::Original;
use fuente_contract::{DocumentId, Error, Result, Scope, VersionId};
use sqlx::Row;

/// The original of a version that answers or did, and its key in the blob store.
///
/// # Errors
/// `NotFound` where the user does not read the document, or has nothing published to read.
pub async fn find(
    scope: &Scope,
    store: &Store,
    id: DocumentId,
    version: Option<VersionId>,
) -> Result<(Original, String)> {
    let mut tx = store.begin(scope, View::Reader).await?;
    let row = sqlx::query(
        "SELECT version.blob_key, version.file_name, version.mime, version.bytes FROM documents
         JOIN document_versions version ON version.tenant_id = documents.tenant_id AND version.document_id = documents.id
         WHERE documents.id = $1 AND version.id = coalesce($2, current_version) AND version.state IN ('live', 'superseded')
           AND ($3::uuid[] IS NULL OR library_id = ANY($3))",
    )
    .bind(id.0)
    .bind(version.map(|id| id.0))
    .bind(limited(scope))
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    let row = row.ok_or_else(Error::not_found)?;
    let original = Original {
        file_name: row.get("file_name"),
        mime: row.get("mime"),
        bytes: u64::try_from(row.get::<i64, _>("bytes")).unwrap_or(0),
    };
    Ok((original, row.get("blob_key")))
}
