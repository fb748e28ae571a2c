//! Python 3 of the machine: found once, checked once, and then used to run pip and the scripts
//! in `services/xtask/python`. Everything that they write stays in the cache.

use crate::cache::Cache;
use crate::errors::{Outcome, Problem};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

const OLDEST_PYTHON: (u32, u32) = (3, 9);
/// The first pip that knows wheels by the name manylinux_2_28.
const OLDEST_PIP: (u32, u32) = (20, 3);

pub struct Python {
    pub version: (u32, u32),
    scripts: PathBuf,
    temporary: PathBuf,
}

impl Python {
    pub fn find(checkout: &Path, cache: &Cache) -> Outcome<Python> {
        let scripts = checkout.join("services/xtask/python");
        let mut python = Python { version: (0, 0), scripts, temporary: cache.at("tmp") };
        python.version = python.check_python()?;
        python.check_pip()?;
        Ok(python)
    }

    fn check_python(&self) -> Outcome<(u32, u32)> {
        let advice = "Install Python 3.9 or newer with pip (Debian, Ubuntu: apt install python3 python3-pip; \
                      Fedora: dnf install python3-pip), so that `python3` is found.";
        let output = match self.command(&["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Problem::new("python3 is not installed.", advice));
            }
            other => other.map_err(|error| Problem::io("run", Path::new("python3"), &error))?,
        };
        let text = String::from_utf8_lossy(&output.stdout);
        match version(&text) {
            Some(found) if found >= OLDEST_PYTHON => Ok(found),
            Some((major, minor)) => Err(Problem::new(
                format!("python3 is Python {major}.{minor}, which is too old: 3.9 or newer is needed."),
                advice,
            )),
            None => Err(Problem::new("python3 does not run.", advice)),
        }
    }

    fn check_pip(&self) -> Outcome<()> {
        let output = self.command(&["-m", "pip", "--version"]).output();
        let output = output.map_err(|error| Problem::io("run", Path::new("python3"), &error))?;
        if !output.status.success() {
            return Err(Problem::new(
                "python3 has no pip.",
                "Install it (Debian, Ubuntu: apt install python3-pip; Fedora: dnf install python3-pip; elsewhere: \
                 python3 -m ensurepip --user).",
            ));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        match version(text.trim_start_matches("pip ")) {
            Some(found) if found >= OLDEST_PIP => Ok(()),
            _ => Err(Problem::new(
                "pip is too old: 20.3 or newer is needed.",
                "Upgrade it: python3 -m pip install --user --upgrade pip.",
            )),
        }
    }

    /// `python3` that leaves no bytecode, no cache and no temporary file outside our cache.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("python3");
        command
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONIOENCODING", "utf-8")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_NO_CACHE_DIR", "1")
            .env("PIP_NO_INPUT", "1")
            // A user's settings that would send our packages elsewhere, or refuse them.
            .env("PIP_REQUIRE_VIRTUALENV", "0")
            .env("PIP_USER", "0")
            .env_remove("PIP_TARGET")
            .env_remove("PIP_PREFIX")
            .stdin(Stdio::null());
        if self.temporary.is_dir() {
            command.env("TMPDIR", &self.temporary);
        }
        command
    }

    pub fn script(&self, name: &str) -> Command {
        let mut command = self.command(&[]);
        command.arg(self.scripts.join(name));
        command
    }
}

/// A running Python program whose last words are kept.
pub struct Running {
    pub child: Child,
    words: JoinHandle<String>,
}

impl Running {
    pub fn start(mut command: Command) -> Outcome<Running> {
        command.stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Problem::io("run", Path::new("python3"), &error))?;
        let pipe = child.stderr.take();
        let words = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                // What cannot be read is only missing from a message.
                let _ = pipe.read_to_end(&mut bytes);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Ok(Running { child, words })
    }

    /// Waits for the end; `doing` and `place` are for the sentence where it failed.
    pub fn finish(mut self, doing: &str, place: &Path) -> Outcome<()> {
        let status = self.child.wait().map_err(|error| Problem::io("run", Path::new("python3"), &error))?;
        let words = self.words.join().unwrap_or_default();
        if status.success() { Ok(()) } else { Err(Problem::from_python(doing, place, &words)) }
    }
}

/// "3.11.7 and more" -> (3, 11)
pub fn version(text: &str) -> Option<(u32, u32)> {
    let first = text.split_whitespace().next()?;
    let mut numbers = first.split('.').map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
