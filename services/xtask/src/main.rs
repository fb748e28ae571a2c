//! `cargo xtask`: gets what a fresh machine lacks (build tools, models, libraries, Postgres),
//! then builds, starts the demo, or runs the tests.

mod cache;
mod cargo;
mod commands;
mod compilers;
mod demo;
mod download;
mod drill;
mod errors;
mod manifest;
mod models;
mod pip;
mod progress;
mod python;
mod setup;
mod sums;
mod test;
mod tools;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match commands::run(&arguments) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
