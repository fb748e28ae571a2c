//! Fuente in one process: all services on embedded defaults, and the command line.
//!
//! Wiring only: what a command does is in the room that owns it. A library beside the program,
//! so that tests start the very same assembly.

#[macro_use]
mod say;

mod admin;
mod archive;
mod ask;
pub mod assemble;
pub mod cli;
mod client;
mod deep;
mod demo;
mod doctor;
mod drill;
mod eval;
mod in_step;
mod ingest;
pub mod sample;
mod shelf;
mod show;
mod up;
