//! What a route is: method, path, who may call it, which ids it takes, and a valid body.
//!
//! The same rows register the handlers, decide access, complete the OpenAPI description and
//! feed the leak matrix, so that none of the four can fall behind.

use actix_web::Route;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Anyone, without a credential.
    Public,
    /// Whoever proved who they are.
    SignedIn(Key),
    /// A signed-in user whose role is admin.
    Admin(Key),
}

/// What an API key needs to call a route. Browser sessions are not limited by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// No key may call it.
    Never,
    /// Any key may.
    Any,
    /// A key that carries this scope.
    Scope(&'static str),
}

/// Scopes that an API key may carry, with what they open.
pub const KEY_SCOPES: &[(&str, &str)] = &[
    (ASK, "ask questions"),
    (SEARCH, "search"),
    (CONVERSATIONS, "read and continue the user's conversations"),
    (READ, "list and read documents"),
    (WRITE, "upload and delete documents, follow jobs (administrators)"),
    (ADMIN, "everything else administrators may do, except making keys"),
];

pub(super) const ASK: &str = "ask";
pub(super) const SEARCH: &str = "search";
pub(super) const CONVERSATIONS: &str = "conversations";
pub(super) const READ: &str = "documents:read";
pub(super) const WRITE: &str = "documents:write";
pub(super) const ADMIN: &str = "admin";

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdKind {
    User,
    Group,
    Library,
    Document,
    Version,
    Policy,
    Job,
    Conversation,
    ApiKey,
    /// The caller's own name for a document: no id of ours, and nothing to guess.
    External,
}

impl IdKind {
    /// How a body template names it, such as `$library`.
    #[must_use]
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::User => "$user",
            Self::Group => "$group",
            Self::Library => "$library",
            Self::Document => "$document",
            Self::Version => "$version",
            Self::Policy => "$policy",
            Self::Job => "$job",
            Self::Conversation => "$conversation",
            Self::ApiKey => "$api_key",
            Self::External => "$external",
        }
    }
}

/// Where a request carries an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path, under the name that the pattern gives it.
    Path(&'static str),
    /// In the query string, under this name.
    Query(&'static str),
    /// In the JSON body (or a form field), where its template has the placeholder.
    Body,
}

/// What a request sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    Nothing,
    /// JSON: a valid body, with placeholders for ids.
    Json(&'static str),
    /// A form with a file: the fields before the file as `name=value` lines, with placeholders.
    Form(&'static str),
    /// The bytes of a file.
    Bytes,
}

/// What a success answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    Json,
    /// Server-sent events.
    Events,
    /// Both: JSON, or events where the request's `Accept` asks for them.
    JsonOrEvents,
    /// The bytes of a file.
    File,
    /// A page or file of the documentation; not part of the API's description.
    Page,
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct RouteRule {
    pub method: &'static str,
    pub path: &'static str,
    pub rule: Rule,
    pub ids: &'static [(Place, IdKind)],
    pub sends: Sends,
    pub answers: Answers,
    pub(crate) handler: fn() -> Route,
}

impl RouteRule {
    pub(crate) const fn new(method: &'static str, path: &'static str, rule: Rule, handler: fn() -> Route) -> Self {
        Self { method, path, rule, ids: &[], sends: Sends::Nothing, answers: Answers::Json, handler }
    }

    pub(crate) const fn ids(self, ids: &'static [(Place, IdKind)]) -> Self {
        Self { ids, ..self }
    }

    pub(crate) const fn sends(self, sends: Sends) -> Self {
        Self { sends, ..self }
    }

    pub(crate) const fn answers(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    /// Methods that reach it: GET answers HEAD too, except where it sends events, which have no end to
    /// measure.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &'static str> {
        let plain = !matches!(self.answers, Answers::Events | Answers::JsonOrEvents);
        [Some(self.method), (self.method == "GET" && plain).then_some("HEAD")].into_iter().flatten()
    }

    /// Whether the API's description lists it.
    #[must_use]
    pub fn is_described(&self) -> bool {
        self.answers != Answers::Page
    }
}

/// Names of the path parameters among `ids`.
pub(super) fn table_ids(ids: &[(Place, IdKind)]) -> Vec<&'static str> {
    ids.iter()
        .filter_map(|(place, _)| match place {
            Place::Path(name) => Some(*name),
            _ => None,
        })
        .collect()
}
