//! Policies as values, and the rule that decides (DESIGN §4), as a pure function.

use crate::ids::{GroupId, PolicyId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use utoipa::ToSchema;

/// Whether a matching rule lets in or keeps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Allow,
    Deny,
}

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Who {
    /// Everyone in the tenant.
    Everyone,
    /// One user.
    User(UserId),
    /// Members of every group listed; never empty.
    AllOf(Vec<GroupId>),
}

/// One line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub effect: Effect,
    pub who: Who,
}

/// A set of rules under one id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Policy {
    pub id: PolicyId,
    pub rules: Vec<Rule>,
}

/// Whether `user`, who is in `groups` (the transitive closure), passes `rules`.
/// An empty rule set passes nobody: such documents are their owner's alone, which the caller checks.
#[must_use]
pub fn passes(rules: &[Rule], user: UserId, groups: &HashSet<GroupId>) -> bool {
    let matches = |who: &Who| match who {
        Who::Everyone => true,
        Who::User(named) => *named == user,
        Who::AllOf(all) => !all.is_empty() && all.iter().all(|group| groups.contains(group)),
    };
    let hit = |effect: Effect| rules.iter().any(|rule| rule.effect == effect && matches(&rule.who));
    hit(Effect::Allow) && !hit(Effect::Deny)
}

/// Which vectors a user's query may touch. Speed and recall only: the authority is Postgres.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFilter {
    /// The tenant's access epoch that this was computed at.
    pub epoch: i64,
    /// Tags of the policies that let the user read.
    pub policies: Vec<i64>,
    /// Tags of policies without rules: the user reads only the documents they own there.
    pub owner_only: Vec<i64>,
    /// The user.
    pub owner: UserId,
}

/// Why a user may or may not read a document.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    pub readable: bool,
    /// The effective policy: the document's own, else its library's.
    pub policy: Option<PolicyId>,
    /// Where the effective policy comes from: `document` or `library`.
    pub policy_of: String,
    /// The rule that decided; absent where no rule matched.
    pub rule: Option<Rule>,
    /// For each group of the deciding rule, the chain of group names from the user to it.
    pub chains: Vec<Vec<String>>,
    pub epoch: i64,
    /// RFC 3339.
    pub at: String,
}

/// Proof that a change of rights holds: from `epoch` on, every query sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    pub epoch: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(who: Who) -> Rule {
        Rule { effect: Effect::Allow, who }
    }

    #[test]
    fn deny_wins_and_all_of_needs_every_group() {
        let (ann, finance, leads) = (UserId::fresh(), GroupId::fresh(), GroupId::fresh());
        let both = allow(Who::AllOf(vec![finance, leads]));
        assert!(!passes(std::slice::from_ref(&both), ann, &HashSet::from([finance])));
        assert!(passes(std::slice::from_ref(&both), ann, &HashSet::from([finance, leads])));
        let deny = Rule { effect: Effect::Deny, who: Who::User(ann) };
        assert!(!passes(&[both, deny], ann, &HashSet::from([finance, leads])));
    }

    #[test]
    fn no_rule_and_an_empty_all_of_let_nobody_in() {
        let ann = UserId::fresh();
        assert!(!passes(&[], ann, &HashSet::new()));
        assert!(!passes(&[allow(Who::AllOf(vec![]))], ann, &HashSet::new()));
        assert!(passes(&[allow(Who::Everyone)], ann, &HashSet::new()));
    }
}
