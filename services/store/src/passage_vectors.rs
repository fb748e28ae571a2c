//! What the embedding model made of passages, kept beside them: in the order of their making, under the
//! hash of what the model read. Vectors that answer questions live in the index, not here.

use crate::db::{Store, View, commit, fault, limited};
use crate::job_stages::fenced;
use crate::jobs::Claim;
use fuente_contract::{PassageId, Result, Scope, SystemScope};
use sqlx::Row;
use std::collections::HashMap;
use uuid::Uuid;

/// Hash over the model's id and the text it read.
pub type EmbeddedHash = [u8; 32];

/// The vectors of one passage.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptVectors {
    pub dense: Vec<f32>,
    /// Packed by the room that made them.
    pub sentences: Vec<u8>,
}

/// Adds their vectors to passages of the claim's version.
///
/// # Errors
/// `Conflict` where the claim is lost.
pub async fn save(
    scope: &SystemScope,
    store: &Store,
    claim: &Claim,
    made: &[(PassageId, EmbeddedHash, KeptVectors)],
) -> Result<()> {
    let ids: Vec<Uuid> = made.iter().map(|(id, _, _)| id.0).collect();
    let hashes: Vec<&[u8]> = made.iter().map(|(_, hash, _)| hash.as_slice()).collect();
    let dense: Vec<Vec<u8>> = made.iter().map(|(_, _, vectors)| bytes(&vectors.dense)).collect();
    let sentences: Vec<&[u8]> = made.iter().map(|(_, _, vectors)| vectors.sentences.as_slice()).collect();
    let mut tx = store.inside(scope, claim.tenant).await?;
    fenced(&mut tx, claim).await?;
    sqlx::query(
        "UPDATE passages SET embedded_hash = made.hash, dense = made.dense, sentence_vectors = made.sentences
         FROM unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[]) AS made (id, hash, dense, sentences)
         WHERE passages.version_id = $1 AND passages.id = made.id",
    )
    .bind(claim.version.0)
    .bind(ids)
    .bind(hashes)
    .bind(dense)
    .bind(sentences)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await
}

/// Those of `hashes` that some passage of the claim's document has vectors for: of the version that
/// answers, or of an attempt before this one.
///
/// # Errors
/// Where Postgres fails.
pub async fn known(
    scope: &SystemScope,
    store: &Store,
    claim: &Claim,
    hashes: &[EmbeddedHash],
) -> Result<HashMap<EmbeddedHash, KeptVectors>> {
    let wanted: Vec<&[u8]> = hashes.iter().map(<[u8; 32]>::as_slice).collect();
    let mut tx = store.inside(scope, claim.tenant).await?;
    let rows = sqlx::query(
        "SELECT DISTINCT ON (embedded_hash) embedded_hash, dense, sentence_vectors FROM passages
         WHERE document_id = $1 AND embedded_hash = ANY($2)",
    )
    .bind(claim.document.0)
    .bind(wanted)
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let kept = rows.iter().filter_map(|row| {
        let hash: EmbeddedHash = row.get::<Vec<u8>, _>(0).try_into().ok()?;
        Some((hash, KeptVectors { dense: floats(row.get(1)), sentences: row.get(2) }))
    });
    Ok(kept.collect())
}

/// Packed vectors of the sentences of those of `ids` that the user reads, where they were made by the
/// model `embedder`. Right after a change of model they may still wait to be taken over by the passages.
///
/// # Errors
/// Where Postgres fails.
pub async fn of_sentences(
    scope: &Scope,
    store: &Store,
    ids: &[PassageId],
    embedder: &str,
) -> Result<HashMap<PassageId, Vec<u8>>> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut tx = store.begin(scope, View::Reader).await?;
    let rows = sqlx::query(
        "SELECT passages.id, coalesce(next.sentence_vectors, passages.sentence_vectors) FROM passages
         JOIN documents ON documents.tenant_id = passages.tenant_id AND documents.id = passages.document_id
         JOIN document_versions AS versions ON versions.tenant_id = passages.tenant_id AND versions.id = version_id
         LEFT JOIN next_vectors next ON next.tenant_id = passages.tenant_id AND next.passage_id = passages.id AND next.embedder = $2
         WHERE passages.id = ANY($1)
           AND (next.embedder IS NOT NULL OR (passages.sentence_vectors IS NOT NULL AND versions.embedder = $2))
           AND ($3::uuid[] IS NULL OR documents.library_id = ANY($3))",
    )
    .bind(wanted)
    .bind(embedder)
    .bind(limited(scope))
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    Ok(rows.iter().map(|row| (PassageId(row.get(0)), row.get(1))).collect())
}

pub(crate) fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect()
}
