//! What a query or a change is limited to, said once and translated by each adapter, so
//! that the access filter cannot differ between the two engines.

use crate::index::{HybridQuery, Selector};
use crate::schema::{CURRENT, DOCUMENT, LIBRARY, OWNER, POLICY, VERSION};
use fuente_contract::PassageId;
use uuid::Uuid;

/// One condition on a point. A list of clauses means that all of them hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Clause {
    /// The field has this truth value.
    Flag(&'static str, bool),
    /// The field is one of these ids.
    OneOf(&'static str, Vec<Uuid>),
    /// The field is one of these numbers.
    Tagged(&'static str, Vec<i64>),
    /// The point is one of these.
    Points(Vec<PassageId>),
    /// The clause does not hold.
    Not(Box<Clause>),
    /// At least one of the lists holds in full.
    Either(Vec<Vec<Clause>>),
}

impl Clause {
    fn is(field: &'static str, id: Uuid) -> Self {
        Self::OneOf(field, vec![id])
    }
}

/// The clauses of a selector; none for [`Selector::All`].
pub(crate) fn of_selector(what: &Selector) -> Vec<Clause> {
    match what {
        Selector::Document(document) => vec![Clause::is(DOCUMENT, document.0)],
        Selector::Version(version) => vec![Clause::is(VERSION, version.0)],
        Selector::VersionsExcept { document, keep } => {
            vec![Clause::is(DOCUMENT, document.0), Clause::Not(Box::new(Clause::is(VERSION, keep.0)))]
        }
        Selector::Passages(ids) => vec![Clause::Points(ids.clone())],
        Selector::All => Vec::new(),
    }
}

/// What a written point may replace: not one that queries find. Whoever marked that one current had
/// written it whole, and a worker that comes late with the same passage would hide it.
pub(crate) fn replaceable() -> Clause {
    Clause::Not(Box::new(Clause::Flag(CURRENT, true)))
}

/// The clauses of a question, or `None` where nothing can match: an empty list of policies,
/// libraries or documents lets nothing through, and no engine is asked.
pub(crate) fn of_query(query: &HybridQuery) -> Option<Vec<Clause>> {
    if query.limit == 0 {
        return None;
    }
    let mut all = vec![Clause::Flag(CURRENT, true), readable(query)?];
    if let Some(libraries) = &query.libraries {
        all.push(one_of(LIBRARY, libraries.iter().map(|id| id.0))?);
    }
    if let Some(documents) = &query.documents {
        all.push(one_of(DOCUMENT, documents.iter().map(|id| id.0))?);
    }
    Some(all)
}

/// Policies that let the asker read, or policies without rules where the asker is the owner.
fn readable(query: &HybridQuery) -> Option<Clause> {
    let filter = &query.filter;
    let open = (!filter.policies.is_empty()).then(|| Clause::Tagged(POLICY, filter.policies.clone()));
    let own = (!filter.owner_only.is_empty())
        .then(|| vec![Clause::Tagged(POLICY, filter.owner_only.clone()), Clause::is(OWNER, filter.owner.0)]);
    match (open, own) {
        (None, None) => None,
        (Some(open), None) => Some(open),
        (None, Some(own)) => Some(Clause::Either(vec![own])),
        (Some(open), Some(own)) => Some(Clause::Either(vec![vec![open], own])),
    }
}

fn one_of(field: &'static str, ids: impl Iterator<Item = Uuid>) -> Option<Clause> {
    let ids: Vec<Uuid> = ids.collect();
    (!ids.is_empty()).then_some(Clause::OneOf(field, ids))
}
