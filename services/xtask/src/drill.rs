//! `cargo xtask drill`: builds every program and hands over to the one that does the drills.

use crate::cargo::{self, Environment};
use crate::errors::{Outcome, Problem};
use crate::models;
use crate::setup::Setup;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Beside the models of the demo: the smallest one, where no answer is written.
const FOR_DRILLS: &str = "smollm2";

pub fn run(setup: &Setup, arguments: &[String]) -> Outcome<ExitCode> {
    let environment = Environment::get(setup)?;
    let mut names = models::wanted_by_demo(setup)?;
    names.push(FOR_DRILLS.to_owned());
    models::ensure(setup, &names)?;
    cargo::build(setup, &environment, &["build", "--workspace", "--bins"])?;
    let folder = cargo::profile_directory().unwrap_or_else(|| setup.checkout.join("target/debug"));
    // Hostile files are read by the product's own command; the other drills start and kill the product.
    let own = arguments.first().is_some_and(|name| name == "corpus");
    let program = folder.join(if own { "fuente" } else { "fuente-drill" });
    let mut command = Command::new(&program);
    cargo::clean(&mut command);
    if own {
        command.arg("drill");
    }
    command.args(arguments).current_dir(&setup.checkout).env("FUENTE_CACHE", &setup.cache.root);
    Err(Problem::io("run", &program, &command.exec()))
}
