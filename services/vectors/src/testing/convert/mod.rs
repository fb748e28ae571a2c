//! The protocol's messages as the engine's values, and back.

mod filter;
mod point;
mod query;
mod schema;

pub(super) use filter::{condition_of, selector};
pub(super) use point::{engine_id, engine_point, payload_of, reply_id, reply_scored};
pub(super) use query::{Asked, engine_query};
pub(super) use schema::{described, field_schema, planned};
