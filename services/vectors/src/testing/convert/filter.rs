//! Filters. An unknown condition is an error: were it passed over, more would come through.

use super::super::refuse::{nothing_else, unknown};
use super::point::engine_id;
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::{
    Condition as AskedCondition, FieldCondition as AskedField, Filter as AskedFilter, PointsSelector,
};
use qdrant_edge::{Condition, FieldCondition, Filter, HasIdCondition, Match};
use tonic::Status;

/// What a change is about, as a filter.
pub(in super::super) fn selector(selector: Option<PointsSelector>) -> Result<Filter, Status> {
    match selector.and_then(|selector| selector.points_selector_one_of) {
        Some(PointsSelectorOneOf::Filter(filter)) => condition_of(filter),
        Some(PointsSelectorOneOf::Points(_)) => Err(unknown("points by a list of ids")),
        None => Err(Status::invalid_argument("which points?")),
    }
}

/// A filter.
pub(in super::super) fn condition_of(filter: AskedFilter) -> Result<Filter, Status> {
    let AskedFilter { should, must, must_not, min_should } = filter;
    if min_should.is_some() {
        return Err(unknown("min_should"));
    }
    Ok(Filter { should: list(should)?, min_should: None, must: list(must)?, must_not: list(must_not)? })
}

/// An empty list sets no condition, as in the protocol.
fn list(conditions: Vec<AskedCondition>) -> Result<Option<Vec<Condition>>, Status> {
    let conditions = conditions.into_iter().map(condition).collect::<Result<Vec<_>, _>>()?;
    Ok((!conditions.is_empty()).then_some(conditions))
}

fn condition(condition: AskedCondition) -> Result<Condition, Status> {
    match condition.condition_one_of {
        Some(ConditionOneOf::Field(asked)) => field(asked),
        Some(ConditionOneOf::Filter(filter)) => Ok(Condition::Filter(condition_of(filter)?)),
        Some(ConditionOneOf::HasId(asked)) => {
            let ids = asked.has_id.into_iter().map(engine_id).collect::<Result<Vec<_>, _>>()?;
            Ok(Condition::HasId(ids.into_iter().collect::<HasIdCondition>()))
        }
        other => Err(unknown(&format!("condition {other:?}"))),
    }
}

fn field(mut asked: AskedField) -> Result<Condition, Status> {
    let name = std::mem::take(&mut asked.key);
    let wanted = asked.r#match.take().and_then(|wanted| wanted.match_value);
    nothing_else(&asked, "field condition")?;
    let key = name.parse().map_err(|()| Status::invalid_argument(format!("`{name}` is no field")))?;
    let wanted = match wanted {
        Some(MatchValue::Keyword(word)) => Match::from(word),
        Some(MatchValue::Integer(number)) => Match::from(number),
        Some(MatchValue::Boolean(flag)) => Match::from(flag),
        Some(MatchValue::Keywords(words)) => Match::from(words.strings),
        Some(MatchValue::Integers(numbers)) => Match::from(numbers.integers),
        other => return Err(unknown(&format!("match {other:?}"))),
    };
    Ok(Condition::Field(FieldCondition::new_match(key, wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use qdrant_client::qdrant::Range;

    #[test]
    fn unknown_conditions_are_errors() {
        let refused = |condition: AskedCondition| condition_of(AskedFilter::must([condition])).unwrap_err().code();
        let range = Range { gt: Some(1.0), ..Range::default() };
        assert_eq!(refused(AskedCondition::range("policy", range)), tonic::Code::Unimplemented);
        assert_eq!(refused(AskedCondition::is_empty("policy")), tonic::Code::Unimplemented);
        assert_eq!(refused(AskedCondition::matches_text("lang", "es")), tonic::Code::Unimplemented);
        assert_eq!(refused(AskedCondition { condition_one_of: None }), tonic::Code::Unimplemented);
        let least = AskedFilter::min_should(1, [AskedCondition::matches("policy", 1_i64)]);
        assert_eq!(condition_of(least).unwrap_err().code(), tonic::Code::Unimplemented);
    }
}
