//! Clauses as filters of the embedded engine.

use crate::clause::Clause;
use fuente_contract::{Error, Result};
use qdrant_edge::{Condition, FieldCondition, Filter, HasIdCondition, JsonPath, Match, PointId};

/// A filter that lets through the points for which every clause holds.
pub(super) fn all_of(clauses: &[Clause]) -> Result<Filter> {
    let must = clauses.iter().map(condition).collect::<Result<Vec<_>>>()?;
    Ok(Filter { must: Some(must), ..Filter::new() })
}

fn condition(clause: &Clause) -> Result<Condition> {
    Ok(match clause {
        Clause::Flag(name, value) => field(name, Match::from(*value))?,
        Clause::OneOf(name, ids) => field(name, Match::from(ids.iter().map(ToString::to_string).collect::<Vec<_>>()))?,
        Clause::Tagged(name, tags) => field(name, Match::from(tags.clone()))?,
        Clause::Points(ids) => Condition::HasId(ids.iter().map(|id| PointId::Uuid(id.0)).collect::<HasIdCondition>()),
        Clause::Not(inner) => Condition::Filter(Filter::new_must_not(condition(inner)?)),
        Clause::Either(lists) => {
            let should = lists.iter().map(|list| all_of(list).map(Condition::Filter)).collect::<Result<Vec<_>>>()?;
            Condition::Filter(Filter { should: Some(should), ..Filter::new() })
        }
    })
}

fn field(name: &str, wanted: Match) -> Result<Condition> {
    Ok(Condition::Field(FieldCondition::new_match(path(name)?, wanted)))
}

/// A payload field's name as the engine's path.
pub(super) fn path(name: &str) -> Result<JsonPath> {
    name.parse().map_err(|()| Error::internal(format!("{name} is not a payload path")))
}
