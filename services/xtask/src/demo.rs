//! `cargo xtask demo`: from a bare machine to a running Fuente with the sample company, or with
//! `--ask` to one answer. The program `fuente demo` does the rest: this only makes it exist.

use crate::cargo::{self, Environment};
use crate::errors::{Outcome, Problem};
use crate::models;
use crate::setup::Setup;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

pub fn run(setup: &Setup, arguments: &[String]) -> Outcome<ExitCode> {
    check(arguments)?;
    let environment = Environment::get(setup)?;
    models::ensure(setup, &models::wanted_by_demo(setup)?)?;
    // `--workspace` with one program: the same choice of features as in the tests, so that
    // neither rebuilds what the other has built.
    cargo::build(setup, &environment, &["build", "--workspace", "--bin", "fuente"])?;

    let program = cargo::profile_directory().unwrap_or_else(|| setup.checkout.join("target/debug")).join("fuente");
    let mut command = Command::new(&program);
    cargo::clean(&mut command);
    command.arg("demo").args(arguments).current_dir(&setup.checkout).env("FUENTE_CACHE", &setup.cache.root);
    Err(Problem::io("run", &program, &command.exec()))
}

/// A mistyped argument is told now and not after an hour of building.
fn check(arguments: &[String]) -> Outcome<()> {
    let wrong = |what: String| Err(Problem::new(what, "See `cargo xtask help`."));
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let value = match argument.as_str() {
            "--ask" | "--as" | "--port" => rest.next(),
            other => return wrong(format!("`demo` does not know {other}.")),
        };
        match value {
            None => return wrong(format!("{argument} needs a value.")),
            Some(port) if argument == "--port" && port.parse::<u16>().is_err() => {
                return wrong(format!("{port} is not a port."));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
