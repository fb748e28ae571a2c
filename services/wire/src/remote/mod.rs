//! The caller's side of a call between processes: each contract trait as an HTTP client.

mod answer;
mod call;
mod ingest;
mod search;

pub use answer::RemoteAnswer;
pub use ingest::RemoteIngest;
pub use search::RemoteSearch;

/// Where the routes of [`crate::serve`] are. Both sides read it, and the seal names it.
pub(crate) mod path {
    pub(crate) const ACCEPT: &str = "/internal/ingest/documents";
    pub(crate) const RECONCILE: &str = "/internal/ingest/reconcile";
    pub(crate) const SEARCH: &str = "/internal/search";
    pub(crate) const ANSWER: &str = "/internal/answer";

    pub(crate) fn document(id: &str) -> String {
        format!("{ACCEPT}/{id}")
    }

    /// `version` is an id, or `current`: it is part of the path because the seal names the path.
    pub(crate) fn original(id: &str, version: &str) -> String {
        format!("{ACCEPT}/{id}/original/{version}")
    }

    pub(crate) fn retag(id: &str) -> String {
        format!("{ACCEPT}/{id}/retag")
    }
}
