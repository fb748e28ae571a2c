//! Tenants: the only rows that the system finds across tenants.

use crate::db::{Store, commit, fault};
use fuente_contract::{Result, SystemScope, TenantId};
use sqlx::Row;

/// # Errors
/// `Conflict` where the slug is taken, `InvalidRequest` where it is not lower-case letters, digits and dashes.
pub async fn create(scope: &SystemScope, store: &Store, slug: &str, name: &str) -> Result<TenantId> {
    let id = TenantId::fresh();
    let mut tx = store.system(scope).await?;
    sqlx::query("INSERT INTO tenants (tenant_id, slug, name) VALUES ($1, $2, $3)")
        .bind(id.0)
        .bind(slug)
        .bind(name)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    Ok(id)
}

/// The active tenant of a slug.
///
/// # Errors
/// Where Postgres fails.
pub async fn by_slug(scope: &SystemScope, store: &Store, slug: &str) -> Result<Option<TenantId>> {
    let mut tx = store.system(scope).await?;
    let row = sqlx::query("SELECT tenant_id FROM tenants WHERE slug = $1 AND active")
        .bind(slug)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(row.map(|row| TenantId(row.get(0))))
}

/// Ids and slugs of all tenants.
///
/// # Errors
/// Where Postgres fails.
pub async fn list(scope: &SystemScope, store: &Store) -> Result<Vec<(TenantId, String)>> {
    let mut tx = store.system(scope).await?;
    let rows =
        sqlx::query("SELECT tenant_id, slug FROM tenants ORDER BY slug").fetch_all(&mut *tx).await.map_err(fault)?;
    Ok(rows.into_iter().map(|row| (TenantId(row.get(0)), row.get(1))).collect())
}

/// Shuts a tenant out: every credential of it fails from now on.
///
/// # Errors
/// Where Postgres fails.
pub async fn disable(scope: &SystemScope, store: &Store, tenant: TenantId) -> Result<()> {
    let mut tx = store.system(scope).await?;
    sqlx::query("UPDATE tenants SET active = false, acl_epoch = acl_epoch + 1 WHERE tenant_id = $1")
        .bind(tenant.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await
}
