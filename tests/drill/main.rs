//! `cargo xtask drill`: what is too long or too rough for every test run.

use fuente_tests::crash;
use std::process::ExitCode;

const USAGE: &str = "Usage: drill crash [--kills N] [--seed N] [--check]";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| -> Option<u64> {
        match arguments.iter().position(|argument| argument == name) {
            Some(at) => arguments.get(at + 1)?.parse().ok(),
            None => Some(default),
        }
    };
    let (Some("crash"), Some(kills), Some(seed)) =
        (arguments.first().map(String::as_str), number("--kills", 20), number("--seed", 1))
    else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let figures = crash::drill(usize::try_from(kills).unwrap_or(usize::MAX), seed, |line| eprintln!("{line}")).await;
    let missed = figures.missed();
    missed.iter().for_each(|bar| eprintln!("bar missed: {bar}"));
    println!("{}", figures.json());
    let check = arguments.iter().any(|argument| argument == "--check");
    if check && !missed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
