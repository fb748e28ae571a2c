//! Accepted document → extract → chunk → embed → index → publish, as jobs.
//!
//! This process never answers a question and never decides who may read: it carries each
//! document's policy tag to its vectors, and Postgres stays the authority.

mod accept;
pub mod chunk;
mod embed;
mod identity;
mod lang;
pub mod meter;
mod models;
mod pipeline;
mod rebuild;
mod reconcile;
pub mod startup;
mod sweep;
mod worker;

pub use accept::Acceptor;
pub use embed::in_sentences;
