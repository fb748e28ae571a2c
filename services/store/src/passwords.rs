//! New passwords: one's own, and those that an administrator sets for somebody who forgot.

use crate::db::{Store, View, commit, fault};
use crate::{sign_in, tokens};
use fuente_contract::{Error, Result, Scope, UserId};
use sqlx::Row;
use sqlx::postgres::PgTransaction;

/// Gives the scope's user a new password, where `current` is the one they have. Every session of
/// theirs ends but the one whose token is `kept`.
///
/// # Errors
/// `InvalidRequest` where `current` is not their password or `new` is not usable.
pub async fn change(scope: &Scope, store: &Store, current: &str, new: &str, kept: Option<&str>) -> Result<()> {
    let hash = sign_in::hash(Some(new)).await?;
    let mut tx = store.begin(scope, View::Reader).await?;
    let row = sqlx::query("SELECT password_hash FROM users WHERE id = $1 AND active")
        .bind(scope.user().0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    drop(tx);
    let stored: Option<String> = row.and_then(|row| row.get("password_hash"));
    if !sign_in::matches(stored.clone(), current).await? {
        return Err(Error::invalid("`current` is not your password."));
    }
    // Readers write no rows of people: this one touches the scope's own and nothing else.
    let mut tx = store.begin(scope, View::Manage).await?;
    // Only in the place of the one that was checked: an administrator's reset meanwhile stays.
    let changed = sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $3 AND active")
        .bind(scope.user().0)
        .bind(hash)
        .bind(stored)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if changed.rows_affected() == 0 {
        return Err(Error::invalid("`current` is not your password."));
    }
    let kept = kept.and_then(|token| tokens::read("fs", token)).map(|(_, hash)| hash);
    end_sessions(&mut tx, scope.user(), kept).await?;
    commit(tx).await
}

/// Gives `user` the password `new`; every session of theirs ends.
///
/// # Errors
/// `NotFound`; `InvalidRequest` where `new` is not usable.
pub async fn reset(scope: &Scope, store: &Store, user: UserId, new: &str) -> Result<()> {
    let hash = sign_in::hash(Some(new)).await?;
    let mut tx = store.manage(scope).await?;
    let changed = sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
        .bind(user.0)
        .bind(hash)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if changed.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    end_sessions(&mut tx, user, None).await?;
    commit(tx).await
}

async fn end_sessions(tx: &mut PgTransaction<'static>, user: UserId, kept: Option<Vec<u8>>) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND token_hash IS DISTINCT FROM $2")
        .bind(user.0)
        .bind(kept)
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    Ok(())
}
