//! Question + Scope → ranked passages that the asker may read, and the evidence cut from them.
//!
//! This process never generates text and never decides who may read: it computes a filter for
//! speed, and asks Postgres about every hit before its text, title or count goes anywhere.

mod authorize;
mod error;
mod fuse;
mod lang;
mod meter;
mod models;
mod retrieve;
mod select;
mod signals;
pub mod startup;

pub use retrieve::{Searcher, SearcherOptions};
