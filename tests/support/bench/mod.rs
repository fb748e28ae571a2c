//! Benchmarks against a peer in the same run.

pub mod ingest;
pub mod upload;
