//! Policies and their rules. A library's policy has a stable id and mutable rules; a document's own
//! policy is immutable and named by its content, so that equal rule sets share one tag.

use crate::access::epoch_in;
use crate::db::{Store, commit, fault};
use crate::rows::{after, page};
use fuente_contract::access::{Effect, Policy, Receipt, Rule, Who};
use fuente_contract::limits::{GROUPS, RULES};
use fuente_contract::{Cursor, DocumentId, Error, GroupId, Page, PolicyId, Result, Scope, TenantId, UserId};
use sqlx::Row;
use sqlx::postgres::PgTransaction;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// # Errors
/// `NotFound` where the policy is not the tenant's.
pub async fn get(scope: &Scope, store: &Store, id: PolicyId) -> Result<Policy> {
    let mut tx = store.manage(scope).await?;
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM policies WHERE id = $1)")
        .bind(id.0)
        .fetch_one(&mut *tx)
        .await
        .map_err(fault)?;
    if !known {
        return Err(Error::not_found());
    }
    let rules = rules_of(&mut tx, &[id.0]).await?.remove(&id.0).unwrap_or_default();
    Ok(Policy { id, rules })
}

/// Every policy of the tenant: the libraries', and those of documents with rules of their own.
///
/// # Errors
/// `Forbidden` for members; where Postgres fails.
pub async fn list(scope: &Scope, store: &Store, cursor: &Cursor) -> Result<Page<Policy>> {
    let mut tx = store.manage(scope).await?;
    let ids: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM policies WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after(cursor))
        .bind(cursor.limit() + 1)
        .fetch_all(&mut *tx)
        .await
        .map_err(fault)?;
    let mut rules = rules_of(&mut tx, &ids).await?;
    let policies = ids.into_iter().map(|id| Policy { id: PolicyId(id), rules: rules.remove(&id).unwrap_or_default() });
    Ok(page(policies.collect(), cursor, |policy: &Policy| policy.id.0))
}

/// Gives a document a policy of its own, or (`None`) its library's back.
///
/// # Errors
/// `NotFound` where the document, a user or a group is not the tenant's.
pub async fn set_own(scope: &Scope, store: &Store, document: DocumentId, rules: Option<Vec<Rule>>) -> Result<Receipt> {
    let mut tx = store.manage(scope).await?;
    let own = match rules {
        Some(rules) => Some(own_policy(&mut tx, scope.tenant(), &rules).await?),
        None => None,
    };
    let changed = sqlx::query(
        "UPDATE documents SET own_policy = $2, updated_at = now(),
             effective_policy = coalesce($2, (SELECT policy_id FROM libraries WHERE libraries.tenant_id = documents.tenant_id AND libraries.id = library_id))
         WHERE id = $1",
    )
    .bind(document.0)
    .bind(own.map(|id| id.0))
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    if changed.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    let epoch = epoch_in(&mut tx).await?;
    commit(tx).await?;
    Ok(Receipt { epoch })
}

/// The policy of exactly these rules, made where it is new.
pub(crate) async fn own_policy(tx: &mut PgTransaction<'static>, tenant: TenantId, rules: &[Rule]) -> Result<PolicyId> {
    let rules = checked(rules)?;
    let content = serde_json::to_vec(&rules).map_err(Error::internal)?;
    let hash = blake3::hash(&content).as_bytes().to_vec();
    // Looked for first: an insert, even one that does nothing, raises the epoch.
    if let Some(kept) = of_content(tx, &hash).await? {
        return Ok(kept);
    }
    let id = insert(tx, tenant, Some(hash.clone())).await?;
    // Another transaction may have made it while ours waited: then that one is the one.
    if let Some(kept) = of_content(tx, &hash).await?.filter(|kept| *kept != id) {
        return Ok(kept);
    }
    write_rules(tx, tenant, id, &rules).await?;
    Ok(id)
}

async fn of_content(tx: &mut PgTransaction<'static>, hash: &[u8]) -> Result<Option<PolicyId>> {
    let kept: Option<Uuid> = sqlx::query_scalar("SELECT id FROM policies WHERE content_hash = $1")
        .bind(hash)
        .fetch_optional(&mut **tx)
        .await
        .map_err(fault)?;
    Ok(kept.map(PolicyId))
}

/// A policy without rules yet; nothing where one of this content exists.
pub(crate) async fn insert(
    tx: &mut PgTransaction<'static>,
    tenant: TenantId,
    hash: Option<Vec<u8>>,
) -> Result<PolicyId> {
    let id = PolicyId::fresh();
    sqlx::query("INSERT INTO policies (tenant_id, id, content_hash) VALUES ($1, $2, $3) ON CONFLICT (tenant_id, content_hash) DO NOTHING").bind(tenant.0).bind(id.0).bind(hash).execute(&mut **tx).await.map_err(fault)?;
    Ok(id)
}

/// Deletes the policies that name `group` and that nothing uses any more: nobody could change those.
pub(crate) async fn drop_unused(tx: &mut PgTransaction<'static>, group: GroupId) -> Result<()> {
    sqlx::query(
        "DELETE FROM policies WHERE id IN (SELECT policy_id FROM policy_rule_groups WHERE group_id = $1)
           AND id NOT IN (SELECT policy_id FROM libraries) AND id NOT IN (SELECT effective_policy FROM documents)",
    )
    .bind(group.0)
    .execute(&mut **tx)
    .await
    .map_err(fault)?;
    Ok(())
}

/// Rules in one order and without repeats, so that equal sets are equal bytes.
fn checked(rules: &[Rule]) -> Result<Vec<Rule>> {
    if rules.len() > RULES {
        return Err(Error::invalid(format!("A policy has at most {RULES} rules.")));
    }
    let mut set = BTreeSet::new();
    for rule in rules {
        let who = match &rule.who {
            Who::AllOf(groups) if groups.is_empty() || groups.len() > GROUPS => {
                return Err(Error::invalid(format!("`all_of` names 1 to {GROUPS} groups.")));
            }
            Who::AllOf(groups) => Who::AllOf(groups.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()),
            other => other.clone(),
        };
        set.insert(Rule { effect: rule.effect, who });
    }
    Ok(set.into_iter().collect())
}

/// Replaces the rules of a policy.
pub(crate) async fn write_rules(
    tx: &mut PgTransaction<'static>,
    tenant: TenantId,
    policy: PolicyId,
    rules: &[Rule],
) -> Result<()> {
    sqlx::query("DELETE FROM policy_rules WHERE policy_id = $1")
        .bind(policy.0)
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    for (ordinal, rule) in checked(rules)?.into_iter().enumerate() {
        let ordinal = i32::try_from(ordinal).unwrap_or(i32::MAX);
        let (everyone, user, groups): (bool, Option<Uuid>, Vec<Uuid>) = match &rule.who {
            Who::Everyone => (true, None, Vec::new()),
            Who::User(user) => (false, Some(user.0), Vec::new()),
            Who::AllOf(groups) => (false, None, groups.iter().map(|group| group.0).collect()),
        };
        sqlx::query("INSERT INTO policy_rules (tenant_id, policy_id, ordinal, effect, everyone, user_id, groups) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(tenant.0)
            .bind(policy.0)
            .bind(ordinal)
            .bind(if rule.effect == Effect::Allow { "allow" } else { "deny" })
            .bind(everyone)
            .bind(user)
            .bind(i32::try_from(groups.len()).unwrap_or(i32::MAX))
            .execute(&mut **tx)
            .await
            .map_err(unknown)?;
        sqlx::query("INSERT INTO policy_rule_groups (tenant_id, policy_id, ordinal, group_id) SELECT $1, $2, $3, unnest($4::uuid[])")
            .bind(tenant.0)
            .bind(policy.0)
            .bind(ordinal)
            .bind(groups)
            .execute(&mut **tx)
            .await
            .map_err(unknown)?;
    }
    Ok(())
}

/// A rule that names nobody of this tenant. Whether the id exists elsewhere makes no difference.
fn unknown(error: sqlx::Error) -> Error {
    match fault(error) {
        found if found.code == fuente_contract::ErrorCode::Conflict => {
            Error::invalid("A rule names a user or group that does not exist.")
        }
        found => found,
    }
}

/// Rules by policy.
pub(crate) async fn rules_of(tx: &mut PgTransaction<'static>, policies: &[Uuid]) -> Result<HashMap<Uuid, Vec<Rule>>> {
    let rows = sqlx::query(
        "SELECT policy_id, effect, everyone, user_id,
                ARRAY(SELECT group_id FROM policy_rule_groups held
                      WHERE held.tenant_id = rule.tenant_id AND held.policy_id = rule.policy_id AND held.ordinal = rule.ordinal ORDER BY 1) AS all_of
         FROM policy_rules rule WHERE policy_id = ANY($1) ORDER BY policy_id, ordinal",
    )
    .bind(policies)
    .fetch_all(&mut **tx)
    .await
    .map_err(fault)?;
    let mut rules: HashMap<Uuid, Vec<Rule>> = HashMap::new();
    for row in rows {
        let all_of: Vec<Uuid> = row.get("all_of");
        let who = match (row.get::<bool, _>("everyone"), row.get::<Option<Uuid>, _>("user_id")) {
            (true, _) => Who::Everyone,
            (false, Some(user)) => Who::User(UserId(user)),
            (false, None) => Who::AllOf(all_of.into_iter().map(GroupId).collect()),
        };
        let effect = if row.get::<&str, _>("effect") == "allow" { Effect::Allow } else { Effect::Deny };
        rules.entry(row.get("policy_id")).or_default().push(Rule { effect, who });
    }
    Ok(rules)
}
