//! Conversations: each is one user's own, and nobody else's, whatever their role.

use crate::db::{Store, View, commit, fault};
use crate::rows::{page, stamp};
use fuente_contract::{ConversationId, Cursor, Error, Page, Result, Scope};
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

/// A conversation in a list.
#[derive(Clone, Debug)]
pub struct ConversationInfo {
    pub id: ConversationId,
    pub title: String,
    pub updated_at: String,
}

fn info(row: &PgRow) -> ConversationInfo {
    ConversationInfo {
        id: ConversationId(row.get("id")),
        title: row.get("title"),
        updated_at: stamp(row.get::<OffsetDateTime, _>("updated_at")),
    }
}

/// # Errors
/// `InvalidRequest` where the title is too long.
pub async fn create(scope: &Scope, store: &Store, title: &str) -> Result<ConversationInfo> {
    titled(title)?;
    let mut tx = store.begin(scope, View::Reader).await?;
    let row =
        sqlx::query("INSERT INTO conversations (tenant_id, id, user_id, title) VALUES ($1, $2, $3, $4) RETURNING *")
            .bind(scope.tenant().0)
            .bind(ConversationId::fresh().0)
            .bind(scope.user().0)
            .bind(title)
            .fetch_one(&mut *tx)
            .await
            .map_err(fault)?;
    commit(tx).await?;
    Ok(info(&row))
}

/// The newest first.
///
/// # Errors
/// Where Postgres fails.
pub async fn list(scope: &Scope, store: &Store, cursor: &Cursor) -> Result<Page<ConversationInfo>> {
    let before = cursor.after.as_deref().map_or(Uuid::max(), |text| text.parse().unwrap_or(Uuid::nil()));
    let mut tx = store.begin(scope, View::Reader).await?;
    let rows = sqlx::query("SELECT id, title, updated_at FROM conversations WHERE id < $1 ORDER BY id DESC LIMIT $2")
        .bind(before)
        .bind(cursor.limit() + 1)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(page(rows.iter().map(info).collect(), cursor, |conversation: &ConversationInfo| conversation.id.0))
}

/// # Errors
/// `NotFound`.
pub async fn get(scope: &Scope, store: &Store, id: ConversationId) -> Result<ConversationInfo> {
    let mut tx = store.begin(scope, View::Reader).await?;
    let row = sqlx::query("SELECT id, title, updated_at FROM conversations WHERE id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    row.as_ref().map(info).ok_or_else(Error::not_found)
}

/// # Errors
/// `NotFound`.
pub async fn rename(scope: &Scope, store: &Store, id: ConversationId, title: &str) -> Result<()> {
    titled(title)?;
    let mut tx = store.begin(scope, View::Reader).await?;
    let changed = sqlx::query("UPDATE conversations SET title = $2, updated_at = now() WHERE id = $1")
        .bind(id.0)
        .bind(title)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if changed.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    commit(tx).await
}

/// Deletes a conversation with its messages.
///
/// # Errors
/// `NotFound`.
pub async fn delete(scope: &Scope, store: &Store, id: ConversationId) -> Result<()> {
    let mut tx = store.begin(scope, View::Reader).await?;
    let gone =
        sqlx::query("DELETE FROM conversations WHERE id = $1").bind(id.0).execute(&mut *tx).await.map_err(fault)?;
    if gone.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    commit(tx).await
}

fn titled(title: &str) -> Result<()> {
    if title.trim().is_empty() || title.chars().count() > 200 {
        return Err(Error::invalid("A conversation's title has 1 to 200 characters."));
    }
    Ok(())
}
