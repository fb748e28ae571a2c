//! Gets wheels with the machine's pip, so that proxies, mirrors and certificates that the user
//! has set for Python work here too.

use crate::cache::Cache;
use crate::errors::{Outcome, Problem};
use crate::manifest::WheelTag;
use crate::progress::Progress;
use crate::python::{Python, Running};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const POLL: Duration = Duration::from_millis(100);

/// Downloads one wheel into a scratch folder and returns its place. `before` bytes of the whole
/// are already here; pip's own bytes are counted on top by watching the folder grow.
pub fn download(
    python: &Python,
    cache: &Cache,
    package: &str,
    version: &str,
    tag: Option<&WheelTag>,
    progress: &mut Progress,
    before: u64,
) -> Outcome<PathBuf> {
    let scratch = cache.scratch("pip")?;
    let wanted = format!("{package}=={version}");
    let mut command = python.command(&["-m", "pip", "download", "--quiet", "--no-deps", "--retries", "3"]);
    command.args(["--only-binary", ":all:", "--progress-bar", "off", "--dest"]).arg(&scratch).arg(&wanted);
    if let Some(tag) = tag {
        command.args(["--implementation", "cp", "--python-version", &tag.python]);
        command.args(["--abi", &tag.abi, "--platform", &tag.platform]);
    }
    command.env("TMPDIR", &scratch).stdout(Stdio::null());
    let mut running = Running::start(command)?;
    while running.child.try_wait().map_err(|error| Problem::io("run", &scratch, &error))?.is_none() {
        progress.show(before + size_of(&scratch));
        std::thread::sleep(POLL);
    }
    running.finish(&wanted, &scratch)?;
    let found = fs::read_dir(&scratch).map_err(|error| Problem::io("read", &scratch, &error))?;
    let wheel = found.flatten().map(|file| file.path()).find(|path| path.extension().is_some_and(|end| end == "whl"));
    wheel.ok_or_else(|| Problem::new(format!("pip fetched no wheel for {wanted}."), "Run the same command again."))
}

/// Installs packages with what they need into a folder of their own.
pub fn install(python: &Python, cache: &Cache, packages: &[&str], target: &Path) -> Outcome<()> {
    let scratch = cache.scratch("pip")?;
    let mut command = python.command(&["-m", "pip", "install", "--quiet", "--retries", "3"]);
    command.args(["--only-binary", ":all:", "--progress-bar", "off", "--no-warn-script-location"]);
    command.arg("--no-compile").arg("--target").arg(target).args(packages);
    command.env("TMPDIR", &scratch).stdout(Stdio::null());
    Running::start(command)?.finish(&packages.join(", "), target)
}

fn size_of(directory: &Path) -> u64 {
    let Ok(files) = fs::read_dir(directory) else { return 0 };
    let size = |file: fs::DirEntry| match file.metadata() {
        Ok(data) if data.is_dir() => size_of(&file.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    files.flatten().map(size).sum()
}
