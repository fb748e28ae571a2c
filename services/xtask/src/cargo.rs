//! Calls cargo with the build tools in reach. `cargo xtask env` prints the very same values, so
//! that cargo called by hand finds nothing changed and rebuilds nothing.

use crate::errors::{Outcome, Problem};
use crate::setup::Setup;
use crate::{compilers, tools};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What the build needs and the machine may lack.
pub struct Environment {
    cmake: Option<PathBuf>,
    libclang: OsString,
    bindgen: OsString,
}

impl Environment {
    /// Gets the tools first. What the user has set is left as it is.
    pub fn get(setup: &Setup) -> Outcome<Environment> {
        compilers::check()?;
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let libclang = match set("LIBCLANG_PATH") {
            Some(path) => path,
            None => tools::libclang(setup)?.into(),
        };
        let headers = || compilers::builtin_headers().map(|place| format!("-I{}", place.display()).into());
        let bindgen = set("BINDGEN_EXTRA_CLANG_ARGS").or_else(headers).unwrap_or_default();
        Ok(Environment { cmake: tools::cmake(setup)?, libclang, bindgen })
    }

    fn path(&self) -> Option<OsString> {
        let present = std::env::var_os("PATH").unwrap_or_default();
        let cmake = self.cmake.as_ref()?;
        let first = std::env::split_paths(&present).next();
        if first.as_ref() == Some(cmake) {
            return None;
        }
        let mut path = cmake.clone().into_os_string();
        path.push(":");
        path.push(present);
        Some(path)
    }
}

/// cargo in the checkout. `cargo run`, which started this program, leaves variables behind that
/// some build scripts watch (ring's does): they are taken away, else a call by hand and a call
/// from here would rebuild each other's work.
pub fn command(setup: &Setup, environment: &Environment) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&setup.checkout);
    clean(&mut command);
    if let Some(path) = environment.path() {
        command.env("PATH", path);
    }
    if std::env::var_os("FUENTE_CACHE").is_some() {
        // It may be relative to where the user stands.
        command.env("FUENTE_CACHE", &setup.cache.root);
    }
    command.env("LIBCLANG_PATH", &environment.libclang);
    if !environment.bindgen.is_empty() {
        command.env("BINDGEN_EXTRA_CLANG_ARGS", &environment.bindgen);
    }
    command
}

/// Takes away what `cargo run` set for its child, and makes relative places absolute, because
/// the child works in the checkout's root and not where the user stands.
pub fn clean(command: &mut Command) {
    const OF_CARGO_RUN: [&str; 6] =
        ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_BIN_NAME", "CARGO_CRATE_NAME", "OUT_DIR"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OF_CARGO_RUN.contains(&&*text) || text.starts_with("CARGO_PKG_") {
            command.env_remove(&name);
        }
    }
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).filter(|place| place.is_relative())
        && let Ok(absolute) = std::path::absolute(&target)
    {
        command.env("CARGO_TARGET_DIR", absolute);
    }
    if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
        let target = profile_directory();
        let of_target = |place: &Path| target.as_deref().is_some_and(|target| place.starts_with(target));
        let of_cargo = |place: &Path| of_target(place) || is_toolchain(place);
        let kept: Vec<_> = std::env::split_paths(&libraries).filter(|place| !of_cargo(place)).collect();
        match std::env::join_paths(&kept) {
            Ok(kept) if !kept.is_empty() => command.env("LD_LIBRARY_PATH", kept),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
}

/// Libraries of a Rust toolchain, which `cargo run` adds for compiler plugins.
fn is_toolchain(place: &Path) -> bool {
    place.join("rustlib").is_dir() || place.components().any(|part| part.as_os_str() == "rustlib")
}

/// Where cargo puts the programs: this one is among them.
pub fn profile_directory() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.to_owned())
}

/// Runs cargo to its end; false where it failed, which it has then explained itself.
pub fn run(setup: &Setup, environment: &Environment, arguments: &[&str]) -> Outcome<bool> {
    let status = command(setup, environment).args(arguments).status();
    let status = status.map_err(|error| Problem::io("run", Path::new("cargo"), &error))?;
    Ok(status.success())
}

/// Runs cargo for a build that has to succeed.
pub fn build(setup: &Setup, environment: &Environment, arguments: &[&str]) -> Outcome<()> {
    if run(setup, environment, arguments)? {
        return Ok(());
    }
    let target = profile_directory().unwrap_or_else(|| setup.checkout.clone());
    if free_megabytes(&target).is_some_and(|free| free < 100) {
        return Err(Problem::disk(&target));
    }
    Err(Problem::new(
        format!("`cargo {}` failed.", arguments.join(" ")),
        "Its own message above says why. What is built already is kept.",
    ))
}

fn free_megabytes(place: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pm").arg(place).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// `cargo xtask env`: lines for `eval "$(cargo xtask env)"`.
pub fn print_environment(setup: &Setup) -> Outcome<ExitCode> {
    let environment = Environment::get(setup)?;
    let quoted = |text: &Path| format!("'{}'", text.display().to_string().replace('\'', r"'\''"));
    if let Some(cmake) = environment.cmake.as_ref().filter(|_| environment.path().is_some()) {
        println!("export PATH={}:\"$PATH\"", quoted(cmake));
    }
    println!("export LIBCLANG_PATH={}", quoted(Path::new(&environment.libclang)));
    if !environment.bindgen.is_empty() {
        println!("export BINDGEN_EXTRA_CLANG_ARGS={}", quoted(Path::new(&environment.bindgen)));
    }
    Ok(ExitCode::SUCCESS)
}
