//! Passages, and the re-check: which of the candidates the user reads now (I1).

use crate::db::{Store, View, fault, limited};
use crate::rows::PassageRow;
use fuente_contract::{DocumentId, LibraryId, PassageId, Result, Scope, VersionId};
use sqlx::Row;
use uuid::Uuid;

/// A passage that the user reads, with its place.
#[derive(Clone, Debug)]
pub struct ReadPassage {
    pub row: PassageRow,
    pub document: DocumentId,
    pub version: VersionId,
    pub library: LibraryId,
    pub title: String,
    pub text_hash: Vec<u8>,
}

/// The moment of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    pub epoch: i64,
    /// The model whose index answered for the tenant then; none where it has no passages yet.
    pub embedder: Option<String>,
}

/// Those of `ids` that belong to a current version and that the user reads, and the moment of the
/// check. One statement, so that rows and moment belong together; in no order.
///
/// # Errors
/// Where Postgres fails: then nothing is readable.
pub async fn read(scope: &Scope, store: &Store, ids: &[PassageId]) -> Result<(Vec<ReadPassage>, Moment)> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut tx = store.begin(scope, View::Reader).await?;
    let rows = sqlx::query(
        "SELECT tenants.acl_epoch, tenants.embedder, found.* FROM tenants LEFT JOIN LATERAL (
             SELECT passages.id, ordinal, passages.document_id, passages.version_id, char_start, char_end, page_from,
                    page_to, heading, text, text_hash, passages.lang, tokens, documents.library_id, documents.title
             FROM passages
             JOIN documents ON documents.tenant_id = passages.tenant_id AND documents.id = passages.document_id
                           AND documents.current_version = passages.version_id
             WHERE passages.id = ANY($1) AND ($2::uuid[] IS NULL OR documents.library_id = ANY($2))) found ON true",
    )
    .bind(wanted)
    .bind(limited(scope))
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let moment = rows.first().map(|row| Moment { epoch: row.get("acl_epoch"), embedder: row.get("embedder") });
    let found = rows.iter().filter(|row| row.get::<Option<Uuid>, _>("id").is_some()).map(|row| ReadPassage {
        row: PassageRow::read(row),
        document: DocumentId(row.get("document_id")),
        version: VersionId(row.get("version_id")),
        library: LibraryId(row.get("library_id")),
        title: row.get("title"),
        text_hash: row.get("text_hash"),
    });
    Ok((found.collect(), moment.unwrap_or_default()))
}
