//! Turns of a conversation. An old answer is shown only while its user reads everything it was made of.

use crate::db::{Store, View, commit, fault, limited};
use crate::rows::{int, stamp};
use fuente_contract::answer::Reply;
use fuente_contract::{ConversationId, Error, MessageId, Result, Scope};
use sqlx::Row;
use sqlx::types::Json;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use uuid::Uuid;

/// A stored turn, as its user may see it now.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    pub id: MessageId,
    pub question: String,
    /// A document that the answer used is no longer readable (or gone): there is no reply to show.
    pub withheld: bool,
    pub reply: Option<Reply>,
    pub created_at: String,
}

/// Stores a turn with its citations. Where a document that went into the answer is gone by now, only
/// the question is kept: a delete erases what was made of the document, and it must not come back.
///
/// # Errors
/// `NotFound` where the conversation is not the user's.
pub async fn append(
    scope: &Scope,
    store: &Store,
    conversation: ConversationId,
    question: &str,
    reply: &Reply,
) -> Result<MessageId> {
    let id = MessageId::fresh();
    // Evidence counts though it was not cited: the answer was written with it in sight.
    let used: BTreeSet<Uuid> = reply
        .citations
        .iter()
        .map(|citation| citation.document.0)
        .chain(reply.nearest.iter().map(|nearest| nearest.document.0))
        .chain(
            reply
                .trace
                .candidates
                .iter()
                .filter(|candidate| reply.trace.evidence.contains(&candidate.passage))
                .map(|candidate| candidate.document.0),
        )
        .collect();
    let mut tx = store.begin(scope, View::Reader).await?;
    let own = sqlx::query("UPDATE conversations SET updated_at = now() WHERE id = $1")
        .bind(conversation.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if own.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    let used: Vec<Uuid> = used.into_iter().collect();
    // Locked until the commit: a delete is before this, and seen, or after it, and erases the turn.
    let left = sqlx::query("SELECT 1 AS one FROM documents WHERE id = ANY($1) FOR KEY SHARE")
        .bind(&used)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    let kept = Some(reply).filter(|_| left.len() == used.len());
    sqlx::query("INSERT INTO messages (tenant_id, id, conversation_id, question, reply, documents) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(scope.tenant().0)
        .bind(id.0)
        .bind(conversation.0)
        .bind(question)
        .bind(Json(kept))
        .bind(&used)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    for (ordinal, citation) in kept.into_iter().flat_map(|reply| &reply.citations).enumerate() {
        sqlx::query(
            "INSERT INTO message_citations (tenant_id, message_id, ordinal, document_id, version_id, passage_id, char_start, char_end, quote, quote_sha256, page)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(scope.tenant().0)
        .bind(id.0)
        .bind(i32::try_from(ordinal).unwrap_or(i32::MAX))
        .bind(citation.document.0)
        .bind(citation.version.0)
        .bind(citation.passage.0)
        .bind(int(citation.char_start))
        .bind(int(citation.char_end))
        .bind(&citation.quote)
        .bind(&citation.quote_sha256)
        .bind(int(citation.page))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    }
    commit(tx).await?;
    Ok(id)
}

/// The turns of a conversation, oldest first, each checked against the rights of this moment.
///
/// # Errors
/// `NotFound` where the conversation is not the user's.
pub async fn list(scope: &Scope, store: &Store, conversation: ConversationId) -> Result<Vec<StoredMessage>> {
    let mut tx = store.begin(scope, View::Reader).await?;
    let own = sqlx::query("SELECT 1 AS one FROM conversations WHERE id = $1")
        .bind(conversation.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    if own.is_none() {
        return Err(Error::not_found());
    }
    let rows = sqlx::query(
        "SELECT id, question, reply, created_at,
                EXISTS (SELECT 1 FROM unnest(documents) used (id) WHERE used.id NOT IN (SELECT documents.id FROM documents WHERE $2::uuid[] IS NULL OR library_id = ANY($2))) AS withheld
         FROM messages WHERE conversation_id = $1 ORDER BY id",
    )
    .bind(conversation.0)
    .bind(limited(scope))
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let mut turns: Vec<StoredMessage> = rows
        .into_iter()
        .map(|row| {
            let Json(reply): Json<Option<Reply>> = row.get("reply");
            let withheld = row.get::<bool, _>("withheld") || reply.is_none();
            StoredMessage {
                id: MessageId(row.get("id")),
                question: row.get("question"),
                withheld,
                reply: reply.filter(|_| !withheld),
                created_at: stamp(row.get::<OffsetDateTime, _>("created_at")),
            }
        })
        .collect();
    // Documents that were merely considered do not hold an answer back, but leave its trace.
    let considered: Vec<Uuid> = turns
        .iter()
        .flat_map(|turn| &turn.reply)
        .flat_map(|reply| &reply.trace.candidates)
        .map(|candidate| candidate.document.0)
        .collect();
    let known: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM documents WHERE id = ANY($1) AND ($2::uuid[] IS NULL OR library_id = ANY($2))",
    )
    .bind(considered)
    .bind(limited(scope))
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let known: BTreeSet<Uuid> = known.into_iter().collect();
    for reply in turns.iter_mut().filter_map(|turn| turn.reply.as_mut()) {
        reply.trace.candidates.retain(|candidate| known.contains(&candidate.document.0));
    }
    Ok(turns)
}
