//! `cargo xtask drill …`: builds the program and lets it do the drill.

use crate::cargo::{self, Environment};
use crate::errors::{Outcome, Problem};
use crate::models;
use crate::setup::Setup;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

pub fn run(setup: &Setup, arguments: &[String]) -> Outcome<ExitCode> {
    let [name, ..] = arguments else {
        return Err(Problem::new("`drill` needs a name.", "See `cargo xtask help`."));
    };
    if name != "corpus" {
        return Err(Problem::new(format!("there is no drill `{name}`."), "See `cargo xtask help`."));
    }
    let environment = Environment::get(setup)?;
    models::ensure(setup, &["pdfium".to_owned()])?;
    cargo::build(setup, &environment, &["build", "--workspace", "--bin", "fuente"])?;
    let program = cargo::profile_directory().unwrap_or_else(|| setup.checkout.join("target/debug")).join("fuente");
    let mut command = Command::new(&program);
    cargo::clean(&mut command);
    command.arg("drill").args(arguments).env("FUENTE_CACHE", &setup.cache.root);
    Err(Problem::io("run", &program, &command.exec()))
}
