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
    if !has_tesseract() {
        eprintln!(
            "tesseract is not installed (apt-get install tesseract-ocr tesseract-ocr-spa): the recognition of scanned pages is NOT tested"
        );
    }
    let mut names = models::wanted_by_demo(setup)?;
    names.extend(FOR_TESTS.map(str::to_owned));
    times.measure("models", || models::ensure(setup, &names))?;
    times.measure("programs", || cargo::build(setup, &environment, &["build", "--workspace", "--bins"]))?;
    let lints = if has_component(setup, &environment, "clippy") {
        times.measure("lints", || clippy(setup, &environment, &["--lib", "--bins"]))
    } else {
        eprintln!("clippy is not installed (rustup component add clippy): the lints are not checked");
        Ok(())
    };
    times.measure("build of tests", || cargo::build(setup, &environment, &["test", "--workspace", "--no-run"]))?;

    let mut command = vec!["test", "--workspace", "--no-fail-fast"];
    if !arguments.is_empty() {
        command.extend(arguments.iter().map(String::as_str));
        let passed = times.measure("tests", || cargo::run(setup, &environment, &command))?;
        eprintln!("{times}");
        return format.and(lints).map(|()| code(passed));
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
    format.and(lints).map(|()| code(passed))
}

pub fn build(setup: &Setup) -> Outcome<ExitCode> {
    let environment = Environment::get(setup)?;
    cargo::build(setup, &environment, &["build", "--workspace", "--bins"])?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that `test` lints, and the tests themselves.
pub fn lint(setup: &Setup) -> Outcome<ExitCode> {
    let environment = Environment::get(setup)?;
    check_format(setup, &environment)?;
    clippy(setup, &environment, &["--all-targets"])?;
    Ok(ExitCode::SUCCESS)
}

/// Clippy as the compiler of our own crates. `cargo clippy` would check all dependencies first, which
/// takes many minutes on a cold machine; this uses what the build has made of them.
fn clippy(setup: &Setup, environment: &Environment, targets: &[&str]) -> Outcome<()> {
    let mut command = cargo::command(setup, environment);
    command.args(["build", "--workspace"]).args(targets);
    command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
    // How `cargo clippy -- -D warnings` hands its arguments on.
    command.env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
    let status = command.status().map_err(|error| Problem::io("run", std::path::Path::new("cargo"), &error))?;
    if status.success() {
        return Ok(());
    }
    Err(Problem::new("clippy found faults.", "Each message above names the place and what to write instead."))
}

fn check_format(setup: &Setup, environment: &Environment) -> Outcome<()> {
    if cargo::run(setup, environment, &["fmt", "--all", "--check"])? {
        return Ok(());
    }
    Err(Problem::new("some files are not formatted.", "Run `cargo fmt --all`."))
}

/// It cannot come from the package index; `.ci/run` installs it as root.
fn has_tesseract() -> bool {
    std::process::Command::new("tesseract").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// rustfmt and clippy are optional parts of a toolchain.
fn has_component(setup: &Setup, environment: &Environment, name: &str) -> bool {
    let output = cargo::command(setup, environment).args([name, "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

fn code(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
