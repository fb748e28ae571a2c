//! Libraries: sets of documents with one policy.

use crate::access::epoch_in;
use crate::db::{Store, View, commit, fault, limited};
use crate::policies;
use crate::rows::{after, page};
use fuente_contract::access::{Receipt, Rule};
use fuente_contract::document::LibraryInfo;
use fuente_contract::{Cursor, Error, LibraryId, Page, PolicyId, Result, Scope};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// # Errors
/// `Conflict` where the name is taken, `InvalidRequest` where a rule names nobody.
pub async fn create(
    scope: &Scope,
    store: &Store,
    name: &str,
    description: &str,
    rules: Vec<Rule>,
) -> Result<LibraryInfo> {
    if name.trim().is_empty() || name.chars().count() > 200 || description.chars().count() > 2_000 {
        return Err(Error::invalid("A library's name has 1 to 200 characters, its description at most 2000."));
    }
    let id = LibraryId::fresh();
    let mut tx = store.manage(scope).await?;
    let policy = policies::insert(&mut tx, scope.tenant(), None).await?;
    policies::write_rules(&mut tx, scope.tenant(), policy, &rules).await?;
    sqlx::query("INSERT INTO libraries (tenant_id, id, name, description, policy_id) VALUES ($1, $2, $3, $4, $5)")
        .bind(scope.tenant().0)
        .bind(id.0)
        .bind(name.trim())
        .bind(description)
        .bind(policy.0)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    commit(tx).await?;
    Ok(LibraryInfo { id, name: name.trim().to_owned(), description: description.to_owned(), policy, rules })
}

/// Libraries with their rules, for administrators.
///
/// # Errors
/// `Forbidden` for members.
pub async fn list(scope: &Scope, store: &Store, cursor: &Cursor) -> Result<Page<LibraryInfo>> {
    Ok(page(managed(scope, store, None, cursor).await?, cursor, |library: &LibraryInfo| library.id.0))
}

/// # Errors
/// `NotFound` where the library is not the tenant's.
pub async fn get(scope: &Scope, store: &Store, id: LibraryId) -> Result<LibraryInfo> {
    managed(scope, store, Some(id), &Cursor::default()).await?.pop().ok_or_else(Error::not_found)
}

async fn managed(scope: &Scope, store: &Store, one: Option<LibraryId>, cursor: &Cursor) -> Result<Vec<LibraryInfo>> {
    let mut tx = store.manage(scope).await?;
    let rows = sqlx::query("SELECT id, name, description, policy_id FROM libraries WHERE id > $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY id LIMIT $3")
        .bind(after(cursor))
        .bind(one.map(|id| id.0))
        .bind(cursor.limit() + 1)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get("policy_id")).collect();
    let mut rules = policies::rules_of(&mut tx, &ids).await?;
    let info = |row: &PgRow, rules: Vec<Rule>| LibraryInfo {
        id: LibraryId(row.get("id")),
        name: row.get("name"),
        description: row.get("description"),
        policy: PolicyId(row.get("policy_id")),
        rules,
    };
    Ok(rows.iter().map(|row| info(row, rules.remove(&row.get::<Uuid, _>("policy_id")).unwrap_or_default())).collect())
}

/// Libraries in which the user reads something: by the library's policy, or a document there. Their
/// rules are not the reader's business and come back empty.
///
/// # Errors
/// Where Postgres fails.
pub async fn readable(scope: &Scope, store: &Store) -> Result<Vec<LibraryInfo>> {
    let mut tx = store.begin(scope, View::Reader).await?;
    let rows = sqlx::query(
        "SELECT id, name, description, policy_id FROM libraries
         WHERE (policy_id IN (SELECT fuente_readable_policies())
                OR id IN (SELECT library_id FROM documents WHERE current_version IS NOT NULL))
           AND ($1::uuid[] IS NULL OR id = ANY($1))
         ORDER BY name",
    )
    .bind(limited(scope))
    .fetch_all(&mut *tx)
    .await
    .map_err(fault)?;
    let info = |row: PgRow| LibraryInfo {
        id: LibraryId(row.get("id")),
        name: row.get("name"),
        description: row.get("description"),
        policy: PolicyId(row.get("policy_id")),
        rules: Vec::new(),
    };
    Ok(rows.into_iter().map(info).collect())
}

/// Replaces the rules of the library's policy; the next query sees it.
///
/// # Errors
/// `NotFound`; `InvalidRequest` where a rule names nobody.
pub async fn set_rules(scope: &Scope, store: &Store, id: LibraryId, rules: Vec<Rule>) -> Result<Receipt> {
    let mut tx = store.manage(scope).await?;
    let row = sqlx::query("SELECT policy_id FROM libraries WHERE id = $1 FOR UPDATE")
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
    let policy = PolicyId(row.ok_or_else(Error::not_found)?.get(0));
    policies::write_rules(&mut tx, scope.tenant(), policy, &rules).await?;
    let epoch = epoch_in(&mut tx).await?;
    commit(tx).await?;
    Ok(Receipt { epoch })
}

/// # Errors
/// `NotFound`; `Conflict` where documents are left in it.
pub async fn delete(scope: &Scope, store: &Store, id: LibraryId) -> Result<()> {
    let mut tx = store.manage(scope).await?;
    let gone = sqlx::query("DELETE FROM libraries WHERE id = $1 RETURNING policy_id")
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(|error| match fault(error) {
            found if found.code == fuente_contract::ErrorCode::Conflict => {
                Error::conflict("The library is not empty. Delete its documents first.")
            }
            found => found,
        })?;
    let policy: Uuid = gone.ok_or_else(Error::not_found)?.get(0);
    sqlx::query("DELETE FROM policies WHERE id = $1").bind(policy).execute(&mut *tx).await.map_err(fault)?;
    commit(tx).await
}
