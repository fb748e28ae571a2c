//! What administrators do: libraries, documents, jobs, people, groups, policies, keys.

pub(super) mod access;
pub(super) mod api_keys;
mod archive;
pub(super) mod documents;
pub(super) mod embedding;
mod form;
pub(super) mod groups;
pub(super) mod jobs;
pub(super) mod libraries;
mod limits;
pub(super) mod many_jobs;
pub(super) mod members;
pub(super) mod policies;
pub(super) mod reconcile;
pub(super) mod upload;
pub(super) mod users;

use super::table::{ADMIN, Key, RouteRule, Rule, WRITE};
use std::sync::LazyLock;

/// Administration in general.
const MANAGE: Rule = Rule::Admin(Key::Scope(ADMIN));

/// What lets somebody in: keys and passwords. A key must not be able to make another one that can do
/// more, nor to become somebody.
const PEOPLE: Rule = Rule::Admin(Key::Never);

/// Documents and their jobs, which keys for uploads need too.
const DOCUMENTS: Rule = Rule::Admin(Key::Scope(WRITE));

/// The rows of every file here.
pub(super) static RULES: LazyLock<Vec<RouteRule>> = LazyLock::new(|| {
    let nouns: [&[RouteRule]; 13] = [
        libraries::RULES,
        documents::RULES,
        upload::RULES,
        many_jobs::RULES,
        jobs::RULES,
        users::RULES,
        groups::RULES,
        members::RULES,
        policies::RULES,
        api_keys::RULES,
        access::RULES,
        reconcile::RULES,
        embedding::RULES,
    ];
    nouns.concat()
});
