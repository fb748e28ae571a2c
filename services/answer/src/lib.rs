//! Passages → a cited answer, or an honest refusal.
//!
//! This process opens no store and no vector index: what it may use reaches it through the
//! [`fuente_contract::Search`] trait, already checked against the asker's rights. Conversations
//! are the gateway's; their history comes with the request.

mod abstain;
mod ask;
mod cite;
mod error;
mod follow_up;
mod ground;
mod judge;
mod meter;
mod prompt;
mod quote;
mod refuse;
mod reply;
pub mod startup;
mod words;

pub use ask::{Answerer, AnswererOptions};
