//! Sole user of Qdrant (I9): the trait [`VectorIndex`] and its two adapters.
//!
//! [`edge`] keeps one embedded shard per tenant under a directory; [`server`] talks to a
//! Qdrant server. Both answer the same questions in the same way: one contract suite
//! (`tests/vectors_contract.rs`) holds them to it. Vectors carry ids and the few payload
//! fields that a query filters on, never text.

mod bm25;
mod clause;
mod edge;
mod index;
mod indexes;
mod schema;
mod server;
#[cfg(feature = "testing")]
pub mod testing;

pub use bm25::Bm25;
pub use edge::edge;
pub use index::{Held, HybridQuery, Legs, PayloadPatch, Point, Selector, Sparse, Tag, VectorIndex};
pub use indexes::{Indexes, Place};
pub use server::{server, server_version};
