//! Passwords: argon2id, off the async threads, and the same time whether the user exists or not.

use crate::db::{Store, fault};
use crate::users::{UserInfo, info};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use fuente_contract::{Error, Result, SystemScope, TenantId};
use sqlx::Row;
use std::sync::OnceLock;

/// The user of an e-mail and password, if both are right and tenant and user are active.
///
/// # Errors
/// Where Postgres fails.
pub async fn password(
    scope: &SystemScope,
    store: &Store,
    tenant: TenantId,
    email: &str,
    password: &str,
) -> Result<Option<UserInfo>> {
    let mut tx = store.inside(scope, tenant).await?;
    let row = sqlx::query(
        "SELECT users.id, email, users.name, role, content_read, users.active, password_hash FROM users
         JOIN tenants USING (tenant_id) WHERE email = $1 AND users.active AND tenants.active",
    )
    .bind(email.trim().to_lowercase())
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    drop(tx);
    let stored: Option<String> = row.as_ref().and_then(|row| row.get("password_hash"));
    let right = matches(stored, password).await?;
    Ok(row.filter(|_| right).as_ref().map(info))
}

/// Whether `given` opens the stored hash; as long in coming where there is none.
pub(crate) async fn matches(stored: Option<String>, given: &str) -> Result<bool> {
    let given = given.to_owned();
    tokio::task::spawn_blocking(move || {
        let known = stored.is_some();
        let against = stored.unwrap_or_else(decoy);
        verify(&against, &given) && known
    })
    .await
    .map_err(Error::internal)
}

/// # Errors
/// `InvalidRequest` where the password is too short.
pub(crate) async fn hash(password: Option<&str>) -> Result<Option<String>> {
    let Some(password) = password.map(str::to_owned) else { return Ok(None) };
    if password.chars().count() < 10 || password.len() > 1_000 {
        return Err(Error::invalid("A password needs 10 to 1000 characters."));
    }
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
    })
    .await
    .map_err(Error::internal)?;
    hashed.map(Some).map_err(Error::internal)
}

fn verify(stored: &str, given: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| Argon2::default().verify_password(given.as_bytes(), &hash).is_ok())
}

/// A hash that no password opens, so that unknown users take as long as known ones.
fn decoy() -> String {
    static DECOY: OnceLock<String> = OnceLock::new();
    DECOY
        .get_or_init(|| {
            let secret: [u8; 32] = rand::random();
            Argon2::default().hash_password(&secret).map(|hash| hash.to_string()).unwrap_or_default()
        })
        .clone()
}
