//! The commands by name, and the help that lists them.

use crate::errors::{Outcome, Problem};
use crate::setup::Setup;
use crate::{cargo, demo, drill, models, test};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  demo [--ask QUESTION] [--as USER] [--port N]
                         get everything, build, start Fuente with the sample company;
                         with --ask: print the cited answer and end
  test [ARGUMENT...]     get everything, build, run all tests; arguments go to `cargo test`
  build                  get the build tools and build every program
  models [NAME...|--all] get models and libraries into the cache (default: what demo needs)
         [--manifest FILE] instead of services/models/models.toml
  drill crash [--kills N] [--seed N] [--check]
                         kill Fuente over and over while it takes documents in
  drill stale [--rounds N] [--check]
                         stop workers past their lease and let them go on
  bench ingest FOLDER [--files N] [--check]
                         rates of ingestion, beside the bare embedding of the same passages
  bench upload [--megabytes N] [--check]
                         memory during a large upload, refusal of a larger one, time to a first answer
  drill corpus DIR [--check]
                         read every file of a folder in the jail and print what became of each;
                         with --check: fail where one hung, broke the worker or took too much memory
  lint                   cargo fmt --check, and clippy over everything, tests included
  env                    print what to `eval` before calling cargo by hand
";

/// Does what the arguments ask for.
pub(crate) fn run(arguments: &[String]) -> Outcome<ExitCode> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    match command {
        "demo" => demo::run(&Setup::new()?, rest),
        "test" => test::run(&Setup::new()?, rest),
        "build" => test::build(&Setup::new()?),
        "models" => models::run(&Setup::new()?, rest),
        "bench" => drill::run(&Setup::new()?, arguments),
        "drill" => drill::run(&Setup::new()?, rest),
        "lint" => test::lint(&Setup::new()?),
        "env" => cargo::print_environment(&Setup::new()?),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => Err(Problem::new(format!("there is no command `{other}`."), "See `cargo xtask help`.")),
    }
}
