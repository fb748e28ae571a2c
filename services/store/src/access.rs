//! What a user reads, decided in SQL from the state of this moment.

use crate::db::{Store, View, commit, fault};
use crate::policies;
use crate::rows::stamp;
use fuente_contract::access::{Effect, Explanation, ReadFilter, Rule, Who, passes};
use fuente_contract::{DocumentId, Error, GroupId, PolicyId, Result, Role, Scope, UserId};
use sqlx::Row;
use sqlx::postgres::PgTransaction;
use std::collections::{HashMap, HashSet, VecDeque};
use time::OffsetDateTime;
use uuid::Uuid;

/// Filters kept; beyond it all are dropped and computed again.
const KEPT: usize = 10_000;

/// Tags of the policies that let the scope's user read, computed once per access epoch; and the id of
/// the embedding model that the tenant's passages are searched with at this moment, if it has any.
///
/// # Errors
/// Where Postgres fails.
pub async fn readable(scope: &Scope, store: &Store) -> Result<(ReadFilter, Option<String>)> {
    let mut tx = store.begin(scope, View::Reader).await?;
    let row = sqlx::query("SELECT acl_epoch, embedder FROM tenants").fetch_one(&mut *tx).await.map_err(fault)?;
    let (epoch, embedder): (i64, Option<String>) = (row.get(0), row.get(1));
    let key = (scope.tenant(), scope.user());
    if let Some(kept) =
        store.filters.lock().ok().and_then(|kept| kept.get(&key).filter(|filter| filter.epoch == epoch).cloned())
    {
        return Ok((kept, embedder));
    }
    let row = sqlx::query(
        "SELECT (SELECT acl_epoch FROM tenants) AS epoch,
                ARRAY(SELECT tag FROM policies WHERE id IN (SELECT fuente_readable_policies())
                      OR (id IN (SELECT fuente_unruled_policies()) AND (SELECT fuente_reads_unruled())) ORDER BY tag) AS policies,
                ARRAY(SELECT tag FROM policies WHERE id IN (SELECT fuente_unruled_policies()) ORDER BY tag) AS unruled",
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    let filter = ReadFilter {
        epoch: row.get("epoch"),
        policies: row.get("policies"),
        owner_only: row.get("unruled"),
        owner: scope.user(),
    };
    if let Ok(mut kept) = store.filters.lock() {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, filter.clone());
    }
    Ok((filter, embedder))
}

/// The tenant's access epoch.
///
/// # Errors
/// Where Postgres fails.
pub async fn epoch(scope: &Scope, store: &Store) -> Result<i64> {
    let mut tx = store.begin(scope, View::Reader).await?;
    epoch_in(&mut tx).await
}

pub(crate) async fn epoch_in(tx: &mut PgTransaction<'static>) -> Result<i64> {
    sqlx::query_scalar("SELECT acl_epoch FROM tenants").fetch_one(&mut **tx).await.map_err(fault)
}

/// Why `user` may or may not read `document`. Everyone may ask about themselves and a document that
/// they read; administrators about anyone.
///
/// # Errors
/// `NotFound` where the document or user does not exist, or may not be known of.
pub async fn explain(scope: &Scope, store: &Store, user: UserId, document: DocumentId) -> Result<Explanation> {
    let about_oneself = user == scope.user();
    if scope.role() != Role::Admin && !about_oneself {
        return Err(Error::not_found());
    }
    let view = if scope.role() == Role::Admin { View::Manage } else { View::Reader };
    let mut tx = store.begin(scope, view).await?;
    let row =
        sqlx::query("SELECT own_policy IS NOT NULL AS own, effective_policy, owner_id FROM documents WHERE id = $1")
            .bind(document.0)
            .fetch_optional(&mut *tx)
            .await
            .map_err(fault)?;
    let row = row.ok_or_else(Error::not_found)?;
    let person =
        sqlx::query("SELECT active, role = 'admin' AND content_read AS reads_unruled FROM users WHERE id = $1")
            .bind(user.0)
            .fetch_optional(&mut *tx)
            .await
            .map_err(fault)?;
    let person = person.ok_or_else(Error::not_found)?;
    let policy: Uuid = row.get("effective_policy");
    let rules = policies::rules_of(&mut tx, &[policy]).await?.remove(&policy).unwrap_or_default();
    let chains = chains(&mut tx, user).await?;
    let epoch = epoch_in(&mut tx).await?;
    commit(tx).await?;
    let groups: HashSet<GroupId> = chains.keys().copied().collect();
    let owns = row.get::<Uuid, _>("owner_id") == user.0 || person.get::<bool, _>("reads_unruled");
    let readable = person.get::<bool, _>("active") && (passes(&rules, user, &groups) || (rules.is_empty() && owns));
    let rule = deciding(&rules, user, &groups);
    let shown = match &rule {
        Some(Rule { who: Who::AllOf(all), .. }) => all.iter().filter_map(|group| chains.get(group).cloned()).collect(),
        _ => Vec::new(),
    };
    Ok(Explanation {
        readable,
        policy: Some(PolicyId(policy)),
        policy_of: if row.get("own") { "document" } else { "library" }.to_owned(),
        rule,
        chains: shown,
        epoch,
        at: stamp(OffsetDateTime::now_utc()),
    })
}

/// A matching deny decides before any allow.
fn deciding(rules: &[Rule], user: UserId, groups: &HashSet<GroupId>) -> Option<Rule> {
    let alone = |rule: &Rule| passes(&[Rule { effect: Effect::Allow, who: rule.who.clone() }], user, groups);
    let of = |effect: Effect| rules.iter().find(|rule| rule.effect == effect && alone(rule)).cloned();
    of(Effect::Deny).or_else(|| of(Effect::Allow))
}

/// For every group the user is in, directly or through others, the names on a shortest way to it.
/// Walked here, breadth first: in SQL every way would be listed, and nested groups have more ways
/// than groups.
async fn chains(tx: &mut PgTransaction<'static>, user: UserId) -> Result<HashMap<GroupId, Vec<String>>> {
    let direct = sqlx::query("SELECT group_id FROM group_members WHERE member_user = $1 ORDER BY group_id")
        .bind(user.0)
        .fetch_all(&mut **tx)
        .await
        .map_err(fault)?;
    let nested = sqlx::query(
        "SELECT member_group, group_id FROM group_members WHERE member_group IS NOT NULL ORDER BY group_id",
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(fault)?;
    let named = sqlx::query("SELECT id, name FROM groups").fetch_all(&mut **tx).await.map_err(fault)?;
    let names: HashMap<Uuid, String> = named.into_iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut outer: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for row in nested {
        outer.entry(row.get(0)).or_default().push(row.get(1));
    }
    let mut chains: HashMap<GroupId, Vec<String>> = HashMap::new();
    let mut open: VecDeque<(Uuid, Vec<String>)> = direct.into_iter().map(|row| (row.get(0), Vec::new())).collect();
    while let Some((id, mut chain)) = open.pop_front() {
        if chains.contains_key(&GroupId(id)) {
            continue;
        }
        chain.push(names.get(&id).cloned().unwrap_or_default());
        for next in outer.get(&id).into_iter().flatten() {
            open.push_back((*next, chain.clone()));
        }
        chains.insert(GroupId(id), chain);
    }
    Ok(chains)
}
