//! Where Postgres' programs are, and as whom they run: Postgres refuses to run as root.

use crate::open::StoreOptions;
use fuente_contract::{Error, Result};
use nix::unistd::{Gid, Uid, User, geteuid};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs of one Postgres release.
pub(crate) struct Programs {
    bin: PathBuf,
    /// Set where this process is root.
    run_as: Option<(String, Uid, Gid)>,
}

impl Programs {
    pub(crate) fn find(options: &StoreOptions) -> Result<Self> {
        let bin = match &options.postgres {
            Some(folder) => Some(folder.join("bin")).filter(|bin| complete(bin)),
            None => [options.cache.join("postgres/bin")].into_iter().chain(of_the_system()).find(|bin| complete(bin)),
        };
        let bin = bin.ok_or_else(|| {
            Error::unavailable(
                "There is no Postgres to start. `cargo xtask models postgres` gets one; or set store.postgres to a folder that holds bin/postgres, or store.mode to \"external\".",
                60,
            )
        })?;
        let run_as = if geteuid().is_root() { Some(unprivileged(&options.run_as)?) } else { None };
        Ok(Self { bin, run_as })
    }

    /// A command that runs a program as the unprivileged user, from a directory it can be in.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin").current_dir("/");
        if let Some((_, uid, gid)) = &self.run_as {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    /// Gives a file or directory to the user that the programs run as.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        match &self.run_as {
            Some((_, uid, gid)) => chown(path, Some(uid.as_raw()), Some(gid.as_raw()))
                .map_err(|error| Error::internal(format!("{}: {error}", path.display()))),
            None => Ok(()),
        }
    }

    /// Why a program could not work on `home`, with what to do.
    pub(crate) fn refused(&self, home: &Path, reason: &str) -> Error {
        let reason = reason.trim();
        match &self.run_as {
            Some((name, _, _)) if reason.to_lowercase().contains("permission denied") => Error::unavailable(
                format!(
                    "Postgres runs as the user {name} here (it refuses root), and that user may not enter {} or {}. \
                     Set data.directory to a folder that everyone may enter, or FUENTE_CACHE likewise, or start Fuente as an ordinary user.",
                    home.display(),
                    self.bin.display()
                ),
                60,
            )
            .because(reason),
            _ => Error::unavailable(format!("The embedded Postgres could not be set up in {}: {reason}", home.display()), 60),
        }
    }
}

/// The folder of the Postgres programs that an embedded store would start.
///
/// # Errors
/// Says how to get them where there are none.
pub fn postgres_programs(options: &StoreOptions) -> Result<PathBuf> {
    Programs::find(options).map(|programs| programs.bin)
}

fn complete(bin: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| bin.join(program).is_file())
}

/// Debian keeps each release in a folder of its own; the newest first.
fn of_the_system() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_string_lossy().parse().ok()?, entry.path().join("bin"))))
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, bin)| bin).collect()
}

fn unprivileged(name: &str) -> Result<(String, Uid, Gid)> {
    let user = User::from_name(name).map_err(Error::internal)?;
    let user = user.filter(|user| !user.uid.is_root()).ok_or_else(|| {
        Error::invalid(format!("Fuente runs as root, and Postgres refuses that. Set store.run_as to an unprivileged user of this machine; `{name}` is none."))
    })?;
    Ok((user.name, user.uid, user.gid))
}
