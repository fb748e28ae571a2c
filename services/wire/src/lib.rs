//! The HTTP halves of `contract`: clients and routes between processes, the seal that says
//! who asks, request bodies, the error body, event streams, health, logs and metrics.
//!
//! This room knows no SQL, no vectors and no models, and decides no access: it carries a
//! [`fuente_contract::Scope`] across a process boundary unchanged, or refuses.

pub mod client;
pub mod health;
mod line;
pub mod metrics;
pub mod problem;
pub mod remote;
pub mod request;
pub mod seal;
pub mod serve;
pub mod sse;
pub mod telemetry;
pub mod upload;

pub use problem::{Problem, ProblemBody};
pub use remote::{RemoteAnswer, RemoteIngest, RemoteSearch};
pub use request::{Body, BodyLimit, Id, Params};
pub use seal::{Opener, Sealer};
