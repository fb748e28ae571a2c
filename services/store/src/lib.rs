//! Sole owner of SQL: one file per table, and every function takes whose data it touches first.
//!
//! This room never serves a row without a scope, never hands out a connection, and keeps the two
//! walls in the database: row-level security per tenant, and per reader on documents.

pub mod access;
pub mod api_keys;
pub mod blobs;
pub mod conversations;
mod db;
pub mod deletions;
pub mod documents;
mod embedded;
pub mod embedders;
pub mod folder;
pub mod groups;
pub mod ingest_rows;
pub mod job_lists;
mod job_stages;
pub mod jobs;
pub mod leases;
pub mod libraries;
pub mod managed;
pub mod messages;
pub mod next_vectors;
mod open;
pub mod originals;
mod owner_check;
pub mod passage_vectors;
pub mod passages;
pub mod passwords;
pub mod policies;
mod programs;
mod queue;
pub mod reconcile;
mod remains;
mod rows;
pub mod sessions;
pub mod sign_in;
pub mod tenants;
mod tokens;
pub mod users;
mod watch;

pub use api_keys::{ApiKeyInfo, NewKey};
pub use conversations::ConversationInfo;
pub use db::Store;
pub use deletions::Deletion;
pub use groups::{GroupInfo, Members};
pub use ingest_rows::AcceptedBlob;
pub use messages::StoredMessage;
pub use open::{Opened, StoreOptions, migrate_only as migrate, open};
pub use passages::ReadPassage;
pub use programs::postgres_programs;
pub use rows::{PassageRow, TextRow};
pub use tokens::Principal;
pub use users::{NewUser, UserInfo};
pub use watch::EmbeddedPostgres;
