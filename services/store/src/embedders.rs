//! Which embedding model a tenant's passages are searched with, and who builds or clears another index.
//!
//! `tenants.embedder` decides for every process, question by question. A row in `side_indexes` says that
//! the tenant may have points in the index of another model too: written before the first point of it,
//! and gone only after the last.

use crate::db::{Store, commit, fault};
use crate::jobs::Claim;
use crate::rows::stamp;
use fuente_contract::embedding::EmbeddingState;
use fuente_contract::{Error, Result, Scope, SystemScope, TenantId};
use sqlx::Row;
use sqlx::postgres::PgTransaction;
use time::OffsetDateTime;
use uuid::Uuid;

/// The indexes in which a tenant may have points, by the ids of their models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The one that answers; none before the first job.
    pub current: Option<String>,
    /// The one that is to answer, as the process that started last was told.
    pub wanted: Option<String>,
    pub sides: Vec<String>,
}

/// A side index in a process's hands.
#[derive(Clone, Debug)]
pub struct SideLease {
    pub tenant: TenantId,
    pub embedder: String,
    /// Whether it was cleared before and no writer can come late any more.
    pub settled: bool,
    pub cleared: bool,
    pub(crate) fence: i64,
}

/// Where the tenant's points may be.
///
/// # Errors
/// Where Postgres fails.
pub async fn places(scope: &SystemScope, store: &Store, tenant: TenantId) -> Result<Places> {
    let mut tx = store.inside(scope, tenant).await?;
    let row = sqlx::query(
        "SELECT embedder, wanted_embedder, ARRAY(SELECT side.embedder FROM side_indexes side WHERE side.embedder IS DISTINCT FROM tenants.embedder ORDER BY 1) AS sides
         FROM tenants WHERE tenant_id = $1",
    )
    .bind(tenant.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    Ok(row
        .map(|row| Places { current: row.get("embedder"), wanted: row.get("wanted_embedder"), sides: row.get("sides") })
        .unwrap_or_default())
}

/// The models that some active tenant is searched with.
///
/// # Errors
/// Where Postgres fails.
pub async fn in_use(scope: &SystemScope, store: &Store) -> Result<Vec<String>> {
    let mut tx = store.system(scope).await?;
    sqlx::query_scalar("SELECT DISTINCT embedder FROM tenants WHERE active AND embedder IS NOT NULL ORDER BY 1")
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)
}

/// Says which model is wanted from now on. The process that starts last decides; those that were told
/// otherwise before it leave the tenants alone, so that two never change them to and fro.
///
/// # Errors
/// Where Postgres fails.
pub async fn want(scope: &SystemScope, store: &Store, embedder: &str) -> Result<()> {
    let mut tx = store.system(scope).await?;
    sqlx::query("UPDATE tenants SET wanted_embedder = $1 WHERE wanted_embedder IS DISTINCT FROM $1")
        .bind(embedder)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    let untold: Vec<Uuid> = sqlx::query_scalar("SELECT tenant_id FROM tenants WHERE embedder IS NULL")
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    // The release before this one publishes without saying with which model; its rows tell.
    for tenant in untold.into_iter().map(TenantId) {
        let mut tx = store.inside(scope, tenant).await?;
        sqlx::query(
            "UPDATE tenants SET embedder = (
                 SELECT mode() WITHIN GROUP (ORDER BY version.embedder) FROM documents
                 JOIN document_versions version ON version.tenant_id = documents.tenant_id AND version.id = documents.current_version)
             WHERE tenant_id = $1 AND embedder IS NULL",
        )
        .bind(tenant.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        commit(tx).await?;
    }
    Ok(())
}

/// The model that the tenant is searched with; `own` from now on where it has none yet.
///
/// # Errors
/// Where Postgres fails.
pub async fn settle(scope: &SystemScope, store: &Store, tenant: TenantId, own: &str) -> Result<String> {
    let current = places(scope, store, tenant).await?.current;
    if let Some(current) = current {
        return Ok(current);
    }
    let mut tx = store.inside(scope, tenant).await?;
    let settled = sqlx::query_scalar(
        "UPDATE tenants SET embedder = coalesce(embedder, $2) WHERE tenant_id = $1 RETURNING embedder",
    )
    .bind(tenant.0)
    .bind(own)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(settled)
}

/// The active tenants that another model than the wanted one answers for, and all that have a side index.
///
/// # Errors
/// Where Postgres fails.
pub async fn unsettled(scope: &SystemScope, store: &Store) -> Result<Vec<TenantId>> {
    let mut tx = store.system(scope).await?;
    let found: Vec<Uuid> = sqlx::query_scalar(
        "SELECT tenant_id FROM tenants WHERE active AND embedder <> wanted_embedder
         UNION SELECT tenant_id FROM side_indexes ORDER BY 1",
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    Ok(found.into_iter().map(TenantId).collect())
}

/// Takes hold of the index of `embedder` for 60 s, where nobody has it or one of `gone` has. It need not
/// exist before. None where another process holds it, or where the index answers by now (to `clear` it,
/// also where it is to answer).
///
/// # Errors
/// Where Postgres fails.
pub async fn take(
    scope: &SystemScope,
    store: &Store,
    (tenant, embedder, clear): (TenantId, &str, bool),
    holder: &str,
    gone: impl Fn(&str) -> bool,
) -> Result<Option<SideLease>> {
    let mut tx = store.inside(scope, tenant).await?;
    sqlx::query("INSERT INTO side_indexes (tenant_id, embedder) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(tenant.0)
        .bind(embedder)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    let row = sqlx::query(
        "SELECT holder, coalesce(lease_until >= now(), false) AS held FROM side_indexes WHERE embedder = $1 FOR UPDATE SKIP LOCKED",
    )
    .bind(embedder)
    .fetch_optional(&mut *tx)
    .await
    .map_err(fault)?;
    let Some(row) = row else { return Ok(None) };
    let other = row.get::<Option<&str>, _>("holder").filter(|name| *name != holder);
    if row.get("held") && other.is_some_and(|name| !gone(name)) {
        return Ok(None);
    }
    // With the row locked: a switch to this index needs it too.
    let in_use: bool = sqlx::query_scalar(
        "SELECT embedder IS NOT DISTINCT FROM $2 OR ($3 AND wanted_embedder IS NOT DISTINCT FROM $2) FROM tenants WHERE tenant_id = $1",
    )
    .bind(tenant.0)
    .bind(embedder)
    .bind(clear)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    if in_use {
        return Ok(None);
    }
    let row = sqlx::query(
        "UPDATE side_indexes SET holder = $2, lease_until = now() + interval '60 seconds', fence = fence + 1, updated_at = now()
         WHERE embedder = $1 RETURNING fence, settled_at IS NOT NULL AS cleared, coalesce(settled_at <= now(), false) AS settled",
    )
    .bind(embedder)
    .bind(holder)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    let (cleared, settled) = (row.get("cleared"), row.get("settled"));
    Ok(Some(SideLease { tenant, embedder: embedder.to_owned(), settled, cleared, fence: row.get("fence") }))
}

/// Keeps the hold. False where it is another's.
///
/// # Errors
/// Where Postgres fails.
pub async fn hold(scope: &SystemScope, store: &Store, lease: &SideLease) -> Result<bool> {
    let mut tx = store.inside(scope, lease.tenant).await?;
    let kept = sqlx::query(
        "UPDATE side_indexes SET lease_until = now() + interval '60 seconds' WHERE embedder = $1 AND fence = $2",
    )
    .bind(&lease.embedder)
    .bind(lease.fence)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    commit(tx).await?;
    Ok(kept.rows_affected() == 1)
}

/// Gives it back, for anyone to go on.
///
/// # Errors
/// Where Postgres fails; then the lease runs out.
pub async fn give_back(scope: &SystemScope, store: &Store, lease: &SideLease) -> Result<()> {
    let mut tx = store.inside(scope, lease.tenant).await?;
    sqlx::query("UPDATE side_indexes SET lease_until = NULL WHERE embedder = $1 AND fence = $2")
        .bind(&lease.embedder)
        .bind(lease.fence)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await
}

/// The row of the side index, locked, if it is still this lease's.
pub(crate) async fn fenced(tx: &mut PgTransaction<'static>, lease: &SideLease) -> Result<()> {
    let row = sqlx::query("SELECT 1 AS one FROM side_indexes WHERE embedder = $1 AND fence = $2 FOR UPDATE")
        .bind(&lease.embedder)
        .bind(lease.fence)
        .fetch_optional(&mut **tx)
        .await
        .map_err(fault)?;
    row.map(|_| ()).ok_or_else(|| Error::conflict("Another process builds this index now."))
}

/// Whether `embedder` is what the claim's tenant is searched with: what a worker asks before it writes.
///
/// # Errors
/// Where Postgres fails.
pub async fn answers(scope: &SystemScope, store: &Store, claim: &Claim, embedder: &str) -> Result<bool> {
    let places = places(scope, store, claim.tenant).await?;
    Ok(places.current.is_none_or(|current| current == embedder))
}

/// In the transaction that publishes: the tenant's model is `embedder` from now on where it had none.
/// False where it is another. Its row stays locked against a switch until the commit, and against nothing
/// else: changes of rights, which write that row too, neither wait for a publication nor hold it up.
pub(crate) async fn publishes(tx: &mut PgTransaction<'static>, tenant: TenantId, embedder: &str) -> Result<bool> {
    let row = sqlx::query("SELECT embedder FROM tenants WHERE tenant_id = $1 FOR KEY SHARE")
        .bind(tenant.0)
        .fetch_one(&mut **tx)
        .await
        .map_err(fault)?;
    let Some(current) = row.get::<Option<&str>, _>(0) else {
        sqlx::query("UPDATE tenants SET embedder = $2 WHERE tenant_id = $1")
            .bind(tenant.0)
            .bind(embedder)
            .execute(&mut **tx)
            .await
            .map_err(fault)?;
        return Ok(true);
    };
    Ok(current == embedder)
}

/// After an index was cleared. It is cleared once more two minutes later, and its row goes then: who
/// wrote into it when the model changed may still have been about to.
///
/// # Errors
/// `Conflict` where another has it.
pub async fn cleared(scope: &SystemScope, store: &Store, lease: &SideLease) -> Result<()> {
    let mut tx = store.inside(scope, lease.tenant).await?;
    fenced(&mut tx, lease).await?;
    sqlx::query("DELETE FROM next_vectors WHERE embedder = $1")
        .bind(&lease.embedder)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    let next = if lease.settled {
        "DELETE FROM side_indexes WHERE embedder = $1"
    } else {
        "UPDATE side_indexes SET settled_at = coalesce(settled_at, now() + interval '2 minutes'), lease_until = NULL WHERE embedder = $1"
    };
    sqlx::query(next).bind(&lease.embedder).execute(&mut *tx).await.map_err(fault)?;
    commit(tx).await
}

/// Which model answers, which is wanted, and how far the change is.
///
/// # Errors
/// `Forbidden` for members.
pub async fn state(scope: &Scope, store: &Store) -> Result<EmbeddingState> {
    let mut tx = store.manage(scope).await?;
    let row = sqlx::query(
        "SELECT tenants.embedder, wanted_embedder, passages_done, passages_total, side.updated_at FROM tenants
         LEFT JOIN side_indexes side ON side.tenant_id = tenants.tenant_id AND side.embedder = wanted_embedder
         WHERE tenants.tenant_id = $1",
    )
    .bind(scope.tenant().0)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    let model: Option<String> = row.get(0);
    let wanted: Option<String> = row.get(1);
    let changing = model.is_some() && wanted.is_some() && model != wanted;
    let count = |name: &str| row.get::<Option<i64>, _>(name).filter(|_| changing);
    Ok(EmbeddingState {
        changing,
        passages_done: count("passages_done"),
        passages_total: count("passages_total"),
        updated_at: row.get::<Option<OffsetDateTime>, _>("updated_at").filter(|_| changing).map(stamp),
        model,
        wanted,
    })
}
