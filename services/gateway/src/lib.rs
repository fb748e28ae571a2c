//! The only public door: sign-in, the chat and search API, the administrators' API, and their
//! documentation. It proves who asks and makes the scope; what a scope may read is decided by
//! `store`, `search` and `answer`, never here.
//!
//! Handlers live in `routes`, one file per noun. Nothing is reachable that has no row in the
//! route table, and the boot stops where the table and the OpenAPI description differ.

mod attempts;
mod converse;
mod meter;
pub mod routes;
pub mod startup;
mod state;
mod unpack;
mod watch;

pub use startup::{Parts, build};
