//! Browser sessions: opaque tokens, looked up at every call, so that a revoked one is dead at once.

use crate::db::{Store, View, commit, fault};
use crate::tokens::{self, Principal};
use crate::users::info;
use fuente_contract::{Result, Scope, SystemScope};
use sqlx::Row;
use uuid::Uuid;

/// Opens a session for the scope's user and returns its token, which is stored nowhere.
///
/// # Errors
/// Where Postgres fails.
pub async fn open(scope: &Scope, store: &Store, idle_hours: i64, max_hours: i64) -> Result<String> {
    let (token, hash) = tokens::make("fs", scope.tenant());
    let mut tx = store.begin(scope, View::Reader).await?;
    // Whoever signs in clears away what has ended: their own, so that no call grows with a tenant.
    sqlx::query(
        "DELETE FROM sessions WHERE user_id = $1
           AND (expires_at <= now() OR seen_at <= now() - make_interval(hours => idle_hours))",
    )
    .bind(scope.user().0)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    sqlx::query("INSERT INTO sessions (tenant_id, id, user_id, token_hash, idle_hours, expires_at) VALUES ($1, $2, $3, $4, $5, now() + make_interval(hours => $6))")
        .bind(scope.tenant().0)
        .bind(Uuid::now_v7())
        .bind(scope.user().0)
        .bind(hash)
        .bind(i32::try_from(idle_hours).unwrap_or(1))
        .bind(i32::try_from(max_hours).unwrap_or(1))
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    Ok(token)
}

/// Who the token stands for, where it is valid and tenant and user are active.
///
/// # Errors
/// Where Postgres fails.
pub async fn check(scope: &SystemScope, store: &Store, token: &str) -> Result<Option<Principal>> {
    let Some((tenant, hash)) = tokens::read("fs", token) else { return Ok(None) };
    let mut tx = store.inside(scope, tenant).await?;
    let row = sqlx::query(
        "SELECT sessions.id AS session, sessions.seen_at < now() - interval '1 minute' AS stale,
                users.id, users.email, users.name, users.role, users.content_read, users.active
         FROM sessions JOIN users ON users.tenant_id = sessions.tenant_id AND users.id = sessions.user_id
         JOIN tenants ON tenants.tenant_id = sessions.tenant_id
         WHERE sessions.token_hash = $1 AND sessions.expires_at > now()
           AND sessions.seen_at > now() - make_interval(hours => sessions.idle_hours)
           AND users.active AND tenants.active",
    )
    .bind(hash)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    // Once a minute is enough to tell use from idleness, and most calls then only read.
    if let Some(row) = row.as_ref().filter(|row| row.get("stale")) {
        sqlx::query("UPDATE sessions SET seen_at = now() WHERE id = $1")
            .bind(row.get::<Uuid, _>("session"))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
    }
    commit(tx).await?;
    Ok(row.map(|row| Principal { tenant, user: info(&row), credential_id: row.get("session"), key: None }))
}

/// Ends a session; an unknown token is no error.
///
/// # Errors
/// Where Postgres fails.
pub async fn close(scope: &SystemScope, store: &Store, token: &str) -> Result<()> {
    let Some((tenant, hash)) = tokens::read("fs", token) else { return Ok(()) };
    let mut tx = store.inside(scope, tenant).await?;
    sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(hash).execute(&mut *tx).await.map_err(fault)?;
    commit(tx).await
}
