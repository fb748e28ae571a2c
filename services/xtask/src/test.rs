//! `cargo xtask test`, `build` and `lint`: everything around cargo's own commands.

use crate::cargo::{self, Environment};
use crate::errors::{Outcome, Problem};
use crate::models;
use crate::progress::Times;
use crate::setup::Setup;
use std::process::ExitCode;

/// Models that only tests use, beside those of the demo.
const FOR_TESTS: [&str; 1] = ["smollm2"];

pub fn run(setup: &Setup, arguments: &[String]) -> Outcome<ExitCode> {
    let mut times = Times::default();
    let environment = times.measure("tools", || Environment::get(setup))?;
    // A matter of spaces is told first, but the tests are run all the same.
    let format = if has_component(setup, &environment, "fmt") {
        check_format(setup, &environment)
    } else {
        eprintln!("rustfmt is not installed (rustup component add rustfmt): the format is not checked");
        Ok(())
    };
    let mut names = models::wanted_by_demo(setup)?;
    names.extend(FOR_TESTS.map(str::to_owned));
    times.measure("models", || models::ensure(setup, &names))?;
    times.measure("programs", || cargo::build(setup, &environment, &["build", "--workspace", "--bins"]))?;
    times.measure("build of tests", || cargo::build(setup, &environment, &["test", "--workspace", "--no-run"]))?;

    let mut command = vec!["test", "--workspace", "--no-fail-fast"];
    if !arguments.is_empty() {
        command.extend(arguments.iter().map(String::as_str));
        let passed = times.measure("tests", || cargo::run(setup, &environment, &command))?;
        eprintln!("{times}");
        return format.map(|()| code(passed));
    }
    // The examples in documentation run last and by themselves, so that the times can be said
    // before cargo's last summary ends the output.
    let tests = [command.as_slice(), &["--lib", "--bins", "--tests"]].concat();
    let passed = times.measure("tests", || cargo::run(setup, &environment, &tests))?;
    eprintln!("{times}");
    if !passed {
        return Ok(code(false));
    }
    command.push("--doc");
    let passed = cargo::run(setup, &environment, &command)?;
    format.map(|()| code(passed))
}

pub fn build(setup: &Setup) -> Outcome<ExitCode> {
    let environment = Environment::get(setup)?;
    cargo::build(setup, &environment, &["build", "--workspace", "--bins"])?;
    Ok(ExitCode::SUCCESS)
}

/// Not part of `test`: clippy checks every dependency anew, which costs a cold machine many minutes.
pub fn lint(setup: &Setup) -> Outcome<ExitCode> {
    let environment = Environment::get(setup)?;
    check_format(setup, &environment)?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo::build(setup, &environment, &clippy)?;
    Ok(ExitCode::SUCCESS)
}

fn check_format(setup: &Setup, environment: &Environment) -> Outcome<()> {
    if cargo::run(setup, environment, &["fmt", "--all", "--check"])? {
        return Ok(());
    }
    Err(Problem::new("some files are not formatted.", "Run `cargo fmt --all`."))
}

/// rustfmt and clippy are optional parts of a toolchain.
fn has_component(setup: &Setup, environment: &Environment, name: &str) -> bool {
    let output = cargo::command(setup, environment).args([name, "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

fn code(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
