//! API keys: each acts as one user, within named scopes and libraries.

use crate::db::{Store, commit, fault};
use crate::rows::{after, page, stamp};
use crate::tokens::{self, Principal};
use crate::users::info;
use fuente_contract::{ApiKeyId, Cursor, Error, LibraryId, Page, Result, Scope, SystemScope, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

/// A key as administrators see it; the secret is shown once and kept nowhere.
#[derive(Clone, Debug)]
pub struct ApiKeyInfo {
    pub id: ApiKeyId,
    pub name: String,
    pub user: UserId,
    pub scopes: Vec<String>,
    pub libraries: Option<Vec<LibraryId>>,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    pub revoked: bool,
}

/// What a key is made of.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub user: UserId,
    pub scopes: Vec<String>,
    pub libraries: Option<Vec<LibraryId>>,
    pub expires_at: Option<OffsetDateTime>,
}

fn key(row: &PgRow) -> ApiKeyInfo {
    let libraries: Option<Vec<Uuid>> = row.get("libraries");
    ApiKeyInfo {
        id: ApiKeyId(row.get("id")),
        name: row.get("name"),
        user: UserId(row.get("user_id")),
        scopes: row.get("scopes"),
        libraries: libraries.map(|ids| ids.into_iter().map(LibraryId).collect()),
        expires_at: row.get::<Option<OffsetDateTime>, _>("expires_at").map(stamp),
        last_used_at: row.get::<Option<OffsetDateTime>, _>("last_used_at").map(stamp),
        revoked: row.get::<Option<OffsetDateTime>, _>("revoked_at").is_some(),
    }
}

/// Makes a key and returns its secret.
///
/// # Errors
/// `NotFound` where the user or a library is not the tenant's.
pub async fn create(scope: &Scope, store: &Store, new: NewKey) -> Result<(ApiKeyInfo, String)> {
    let (secret, hash) = tokens::make("fk", scope.tenant());
    let libraries: Option<Vec<Uuid>> = new.libraries.map(|ids| ids.into_iter().map(|id| id.0).collect());
    let mut tx = store.manage(scope).await?;
    let known: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1)
            AND NOT EXISTS (SELECT 1 FROM unnest($2::uuid[]) wanted (id) WHERE id NOT IN (SELECT id FROM libraries))",
    )
    .bind(new.user.0)
    .bind(libraries.clone().unwrap_or_default())
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    if !known {
        return Err(Error::not_found());
    }
    let row = sqlx::query(
        "INSERT INTO api_keys (tenant_id, id, user_id, name, secret_hash, scopes, libraries, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *",
    )
    .bind(scope.tenant().0)
    .bind(ApiKeyId::fresh().0)
    .bind(new.user.0)
    .bind(&new.name)
    .bind(hash)
    .bind(&new.scopes)
    .bind(libraries)
    .bind(new.expires_at)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok((key(&row), secret))
}

/// # Errors
/// `Forbidden` for members; where Postgres fails.
pub async fn list(scope: &Scope, store: &Store, cursor: &Cursor) -> Result<Page<ApiKeyInfo>> {
    let mut tx = store.manage(scope).await?;
    let rows = sqlx::query("SELECT * FROM api_keys WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after(cursor))
        .bind(cursor.limit() + 1)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(page(rows.iter().map(key).collect(), cursor, |key: &ApiKeyInfo| key.id.0))
}

/// The key's next call fails.
///
/// # Errors
/// `NotFound`.
pub async fn revoke(scope: &Scope, store: &Store, id: ApiKeyId) -> Result<()> {
    let mut tx = store.manage(scope).await?;
    let changed = sqlx::query("UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1")
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if changed.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    commit(tx).await
}

/// Who the secret stands for, where key, user and tenant are active.
///
/// # Errors
/// Where Postgres fails.
pub async fn check(scope: &SystemScope, store: &Store, secret: &str) -> Result<Option<Principal>> {
    let Some((tenant, hash)) = tokens::read("fk", secret) else { return Ok(None) };
    let mut tx = store.inside(scope, tenant).await?;
    let row = sqlx::query(
        "SELECT api_keys.id AS key, api_keys.scopes, api_keys.libraries,
                coalesce(api_keys.last_used_at < now() - interval '1 minute', true) AS stale,
                users.id, users.email, users.name, users.role, users.content_read, users.active
         FROM api_keys JOIN users ON users.tenant_id = api_keys.tenant_id AND users.id = api_keys.user_id
         JOIN tenants ON tenants.tenant_id = api_keys.tenant_id
         WHERE api_keys.secret_hash = $1 AND api_keys.revoked_at IS NULL
           AND (api_keys.expires_at IS NULL OR api_keys.expires_at > now())
           AND users.active AND tenants.active",
    )
    .bind(hash)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    // Written at most once a minute, so that the calls of one key do not queue on its row.
    if let Some(row) = row.as_ref().filter(|row| row.get("stale")) {
        sqlx::query("UPDATE api_keys SET last_used_at = now() WHERE id = $1")
            .bind(row.get::<Uuid, _>("key"))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
    }
    commit(tx).await?;
    Ok(row.map(|row| {
        let libraries: Option<Vec<Uuid>> = row.get("libraries");
        let libraries = libraries.map(|ids| ids.into_iter().map(LibraryId).collect());
        Principal { tenant, user: info(&row), credential_id: row.get("key"), key: Some((row.get("scopes"), libraries)) }
    }))
}
