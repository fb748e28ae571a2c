//! People.

use crate::access::epoch_in;
use crate::db::{Store, View, commit, fault};
use crate::rows::{after, page};
use crate::sign_in;
use fuente_contract::access::Receipt;
use fuente_contract::{Cursor, Error, Page, Result, Role, Scope, SystemScope, TenantId, UserId};
use sqlx::Row;
use sqlx::postgres::{PgRow, PgTransaction};

/// A user, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub content_read: bool,
    pub active: bool,
}

/// What a user is made of.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub password: Option<String>,
    pub role: Role,
    pub content_read: bool,
}

pub(crate) fn info(row: &PgRow) -> UserInfo {
    UserInfo {
        id: UserId(row.get("id")),
        email: row.get("email"),
        name: row.get("name"),
        role: Role::parse(row.get("role")),
        content_read: row.get("content_read"),
        active: row.get("active"),
    }
}

/// # Errors
/// `Conflict` where the e-mail is taken, `InvalidRequest` where it or the password is not usable.
pub async fn create(scope: &Scope, store: &Store, new: NewUser) -> Result<UserInfo> {
    let hash = sign_in::hash(new.password.as_deref()).await?;
    let mut tx = store.manage(scope).await?;
    let user = insert(&mut tx, scope.tenant(), new, hash).await?;
    commit(tx).await?;
    Ok(user)
}

/// The first administrator of a tenant, before anyone can sign in.
///
/// # Errors
/// As [`create`].
pub async fn bootstrap_admin(scope: &SystemScope, store: &Store, tenant: TenantId, new: NewUser) -> Result<UserInfo> {
    let hash = sign_in::hash(new.password.as_deref()).await?;
    let mut tx = store.inside(scope, tenant).await?;
    let user = insert(&mut tx, tenant, NewUser { role: Role::Admin, ..new }, hash).await?;
    commit(tx).await?;
    Ok(user)
}

async fn insert(
    tx: &mut PgTransaction<'static>,
    tenant: TenantId,
    new: NewUser,
    hash: Option<String>,
) -> Result<UserInfo> {
    let email = new.email.trim().to_lowercase();
    if email.split('@').filter(|part| !part.is_empty()).count() != 2 || email.len() > 254 {
        return Err(Error::invalid("`email` is not an e-mail address."));
    }
    let id = UserId::fresh();
    sqlx::query("INSERT INTO users (tenant_id, id, email, name, password_hash, role, content_read) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(tenant.0)
        .bind(id.0)
        .bind(&email)
        .bind(&new.name)
        .bind(hash)
        .bind(new.role.as_str())
        .bind(new.content_read)
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    Ok(UserInfo { id, email, name: new.name, role: new.role, content_read: new.content_read, active: true })
}

/// # Errors
/// `Forbidden` for members; where Postgres fails.
pub async fn list(scope: &Scope, store: &Store, cursor: &Cursor) -> Result<Page<UserInfo>> {
    let mut tx = store.manage(scope).await?;
    let rows =
        sqlx::query("SELECT id, email, name, role, content_read, active FROM users WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after(cursor))
            .bind(cursor.limit() + 1)
            .fetch_all(&mut *tx)
            .await
            .map_err(fault)?;
    Ok(page(rows.iter().map(info).collect(), cursor, |user: &UserInfo| user.id.0))
}

/// A user, for administrators; oneself, for everyone.
///
/// # Errors
/// `NotFound`.
pub async fn get(scope: &Scope, store: &Store, user: UserId) -> Result<UserInfo> {
    if user != scope.user() && scope.role() != Role::Admin {
        return Err(Error::not_found());
    }
    let mut tx = store.begin(scope, View::Reader).await?;
    let row = sqlx::query("SELECT id, email, name, role, content_read, active FROM users WHERE id = $1")
        .bind(user.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    row.as_ref().map(info).ok_or_else(Error::not_found)
}

/// # Errors
/// Where Postgres fails.
pub async fn by_email(scope: &SystemScope, store: &Store, tenant: TenantId, email: &str) -> Result<Option<UserInfo>> {
    let mut tx = store.inside(scope, tenant).await?;
    let row = sqlx::query("SELECT id, email, name, role, content_read, active FROM users WHERE email = $1")
        .bind(email.trim().to_lowercase())
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(row.as_ref().map(info))
}

/// Shuts a user out or lets them back in; sessions of a disabled user end.
///
/// # Errors
/// `NotFound`; `Conflict` where the tenant would have no administrator left.
pub async fn set_status(scope: &Scope, store: &Store, user: UserId, active: bool) -> Result<Receipt> {
    let mut tx = store.manage(scope).await?;
    let changed = sqlx::query("UPDATE users SET active = $2 WHERE id = $1")
        .bind(user.0)
        .bind(active)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if changed.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    if !active {
        let managed: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND active)")
            .fetch_one(&mut *tx)
            .await
            .map_err(fault)?;
        if !managed {
            return Err(Error::conflict("This is the tenant's only administrator. Make another one first."));
        }
        sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(user.0).execute(&mut *tx).await.map_err(fault)?;
    }
    let epoch = epoch_in(&mut tx).await?;
    commit(tx).await?;
    Ok(Receipt { epoch })
}
