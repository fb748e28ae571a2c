//! Clauses as filters of the server's protocol.

use crate::clause::Clause;
use crate::schema::TENANT;
use fuente_contract::TenantId;
use qdrant_client::qdrant::{Condition, Filter};

/// A filter that lets through the tenant's points for which every clause holds. There is no
/// way to make a filter of this room's that names no tenant.
pub(super) fn of_tenant(tenant: TenantId, clauses: &[Clause]) -> Filter {
    let mine = Condition::matches(TENANT, tenant.to_string());
    Filter::must(std::iter::once(mine).chain(clauses.iter().map(condition)))
}

fn condition(clause: &Clause) -> Condition {
    match clause {
        Clause::Flag(name, value) => Condition::matches(*name, *value),
        Clause::OneOf(name, ids) => Condition::matches(*name, ids.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Clause::Tagged(name, tags) => Condition::matches(*name, tags.clone()),
        Clause::Points(ids) => Condition::has_id(ids.iter().map(ToString::to_string)),
        Clause::Not(inner) => Filter::must_not([condition(inner)]).into(),
        Clause::Either(lists) => {
            Filter::should(lists.iter().map(|list| Filter::must(list.iter().map(condition)).into())).into()
        }
    }
}
