//! The callee's side of a call between processes: each contract trait as routes under /internal.

mod answer;
mod ingest;
mod search;
mod start;

pub use answer::answer;
pub use ingest::ingest;
pub use search::search;
pub use start::start;
