//! Groups: sets of users and of other groups; never in a circle.

use crate::access::epoch_in;
use crate::db::{Store, commit, fault};
use crate::policies;
use crate::rows::{after, page};
use fuente_contract::access::Receipt;
use fuente_contract::{Cursor, Error, GroupId, Page, Result, Scope, UserId};
use sqlx::Row;
use sqlx::postgres::PgTransaction;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    pub id: GroupId,
    pub name: String,
}

/// Direct members of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    pub users: Vec<UserId>,
    pub groups: Vec<GroupId>,
}

/// # Errors
/// `Conflict` where the name is taken.
pub async fn create(scope: &Scope, store: &Store, name: &str) -> Result<GroupInfo> {
    if name.trim().is_empty() || name.chars().count() > 200 {
        return Err(Error::invalid("A group's name has 1 to 200 characters."));
    }
    let id = GroupId::fresh();
    let mut tx = store.manage(scope).await?;
    sqlx::query("INSERT INTO groups (tenant_id, id, name) VALUES ($1, $2, $3)")
        .bind(scope.tenant().0)
        .bind(id.0)
        .bind(name.trim())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    Ok(GroupInfo { id, name: name.trim().to_owned() })
}

/// # Errors
/// `Forbidden` for members.
pub async fn list(scope: &Scope, store: &Store, cursor: &Cursor) -> Result<Page<GroupInfo>> {
    let mut tx = store.manage(scope).await?;
    let rows = sqlx::query("SELECT id, name FROM groups WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after(cursor))
        .bind(cursor.limit() + 1)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    let groups = rows.into_iter().map(|row| GroupInfo { id: GroupId(row.get(0)), name: row.get(1) }).collect();
    Ok(page(groups, cursor, |group: &GroupInfo| group.id.0))
}

/// # Errors
/// `Conflict` while a rule names the group: a deny rule must not silently stop matching.
pub async fn delete(scope: &Scope, store: &Store, group: GroupId) -> Result<Receipt> {
    let mut tx = store.manage(scope).await?;
    policies::drop_unused(&mut tx, group).await?;
    let gone =
        sqlx::query("DELETE FROM groups WHERE id = $1").bind(group.0).execute(&mut *tx).await.map_err(|error| {
            match fault(error) {
                found if found.code == fuente_contract::ErrorCode::Conflict => {
                    Error::conflict("A policy names this group. Change the policy first; then the group can go.")
                }
                found => found,
            }
        })?;
    if gone.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    receipt(tx).await
}

/// # Errors
/// `NotFound` where the group is not the tenant's.
pub async fn members(scope: &Scope, store: &Store, group: GroupId) -> Result<Members> {
    let mut tx = store.manage(scope).await?;
    exists(&mut tx, group).await?;
    let rows = sqlx::query("SELECT member_user, member_group FROM group_members WHERE group_id = $1 ORDER BY 1, 2")
        .bind(group.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    Ok(Members {
        users: rows.iter().filter_map(|row| row.get::<Option<uuid::Uuid>, _>(0).map(UserId)).collect(),
        groups: rows.iter().filter_map(|row| row.get::<Option<uuid::Uuid>, _>(1).map(GroupId)).collect(),
    })
}

/// # Errors
/// `NotFound` where group or user is not the tenant's.
pub async fn add_user(scope: &Scope, store: &Store, group: GroupId, user: UserId) -> Result<Receipt> {
    let mut tx = store.manage(scope).await?;
    exists(&mut tx, group).await?;
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE id = $1)")
        .bind(user.0)
        .fetch_one(&mut *tx)
        .await
        .map_err(fault)?;
    if !known {
        return Err(Error::not_found());
    }
    sqlx::query(
        "INSERT INTO group_members (tenant_id, group_id, member_user) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(scope.tenant().0)
    .bind(group.0)
    .bind(user.0)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    receipt(tx).await
}

/// # Errors
/// `NotFound` where the group is not the tenant's; `Conflict` where it would contain itself.
pub async fn add_group(scope: &Scope, store: &Store, group: GroupId, member: GroupId) -> Result<Receipt> {
    let mut tx = store.manage(scope).await?;
    // Two changes at once could each be fine and make a circle together.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext($1))")
        .bind(scope.tenant().to_string())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    exists(&mut tx, group).await?;
    exists(&mut tx, member).await?;
    let circle: bool = sqlx::query_scalar(
        "WITH RECURSIVE inside (id) AS (
             SELECT $1::uuid UNION SELECT member_group FROM group_members JOIN inside ON group_id = inside.id WHERE member_group IS NOT NULL)
         SELECT EXISTS (SELECT 1 FROM inside WHERE id = $2)",
    )
    .bind(member.0)
    .bind(group.0)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    if circle {
        return Err(Error::conflict("A group cannot contain itself, not even through others."));
    }
    sqlx::query(
        "INSERT INTO group_members (tenant_id, group_id, member_group) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(scope.tenant().0)
    .bind(group.0)
    .bind(member.0)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    receipt(tx).await
}

/// # Errors
/// `NotFound` where the group is not the tenant's, or has no such member.
pub async fn remove_user(scope: &Scope, store: &Store, group: GroupId, user: UserId) -> Result<Receipt> {
    let statement = "DELETE FROM group_members WHERE group_id = $1 AND member_user = $2";
    remove(scope, store, group, statement, user.0).await
}

/// # Errors
/// `NotFound` where the group is not the tenant's, or has no such member.
pub async fn remove_group(scope: &Scope, store: &Store, group: GroupId, member: GroupId) -> Result<Receipt> {
    let statement = "DELETE FROM group_members WHERE group_id = $1 AND member_group = $2";
    remove(scope, store, group, statement, member.0).await
}

async fn remove(
    scope: &Scope,
    store: &Store,
    group: GroupId,
    statement: &'static str,
    member: uuid::Uuid,
) -> Result<Receipt> {
    let mut tx = store.manage(scope).await?;
    exists(&mut tx, group).await?;
    let gone = sqlx::query(statement).bind(group.0).bind(member).execute(&mut *tx).await.map_err(fault)?;
    if gone.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    receipt(tx).await
}

async fn exists(tx: &mut PgTransaction<'static>, group: GroupId) -> Result<()> {
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM groups WHERE id = $1)")
        .bind(group.0)
        .fetch_one(&mut **tx)
        .await
        .map_err(fault)?;
    if known { Ok(()) } else { Err(Error::not_found()) }
}

async fn receipt(mut tx: PgTransaction<'static>) -> Result<Receipt> {
    let epoch = epoch_in(&mut tx).await?;
    commit(tx).await?;
    Ok(Receipt { epoch })
}
