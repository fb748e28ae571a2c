//! `cargo xtask drill` and `cargo xtask bench`: what is too long or too rough for every test run.

use fuente_tests::{bench, crash, stale};
use serde_json::Value;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: fuente-drill crash [--kills N] [--seed N] [--check]
       fuente-drill stale [--rounds N] [--check]
       fuente-drill bench ingest FOLDER [--files N] [--check]
       fuente-drill bench upload [--megabytes N] [--check]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |name: &str, default: u64| match words.iter().position(|word| *word == name) {
        Some(at) => words.get(at + 1).and_then(|word| word.parse().ok()),
        None => Some(default),
    };
    let say = |line: &str| eprintln!("{line}");
    let many = |name: &str, default: u64| number(name, default).and_then(|count| usize::try_from(count).ok());
    let done = match (&words[..], many("--kills", 20), number("--seed", 1), many("--files", 160), many("--rounds", 50))
    {
        (["crash", ..], Some(kills), Some(seed), ..) => {
            let figures = runtime().block_on(crash::drill(kills, seed, say));
            (figures.json(), figures.missed())
        }
        (["stale", ..], .., Some(rounds)) => {
            let figures = runtime().block_on(stale::drill(rounds, say));
            (figures.json(), figures.missed())
        }
        (["bench", "ingest", folder, ..], _, _, Some(files), _) => {
            let figures = bench::ingest::run(Path::new(folder), files, say);
            (figures.json(), figures.missed())
        }
        (["bench", "upload", ..], ..) => {
            let Some(megabytes) = number("--megabytes", 1_000) else { return usage() };
            let figures = runtime().block_on(bench::upload::run(megabytes, say));
            (figures.json(), figures.missed())
        }
        _ => return usage(),
    };
    ended(&done.0, &done.1, words.contains(&"--check"))
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}

/// The figures as the last line; the status says what was missed where that was asked for.
fn ended(figures: &Value, missed: &[String], check: bool) -> ExitCode {
    missed.iter().for_each(|bar| eprintln!("bar missed: {bar}"));
    println!("{figures}");
    if check && !missed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
