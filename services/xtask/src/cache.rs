//! The one folder outside the checkout that set-up writes to, and the lock that keeps two
//! set-ups apart.

use crate::errors::{Outcome, Problem};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub struct Cache {
    pub root: PathBuf,
}

/// Held while files are fetched; dropping it lets the next set-up in.
pub struct Lock {
    _file: File,
    temporary: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The next set-up sweeps what this one could not.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

impl Cache {
    /// Root's own is /var/cache, because the unprivileged user that Postgres runs as cannot enter
    /// root's home. `settings` follows the same rule.
    pub fn find() -> Cache {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || set("HOME").unwrap_or_else(|| "/".into());
        let root = set("FUENTE_CACHE").unwrap_or_else(|| {
            if home() == Path::new("/root") {
                return "/var/cache/fuente".into();
            }
            match set("XDG_CACHE_HOME") {
                Some(cache) => cache.join("fuente"),
                None => home().join(".cache/fuente"),
            }
        });
        Cache { root: std::path::absolute(&root).unwrap_or(root) }
    }

    pub fn at(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// Under root, Postgres runs as another user, who must get in whatever the umask was.
    pub fn open_for_others(&self) -> Outcome<()> {
        let fail = |error| Problem::io("change", &self.root, &error);
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            let mode = fs::metadata(&self.root).map_err(fail)?.permissions().mode();
            fs::set_permissions(&self.root, fs::Permissions::from_mode(mode | 0o055)).map_err(fail)?;
        }
        Ok(())
    }

    pub fn lock(&self) -> Outcome<Lock> {
        create_directory(&self.root)?;
        let place = self.at(".lock");
        let file = File::create(&place).map_err(|error| Problem::io("create", &place, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("another set-up is at work in {}; waiting for it", self.root.display());
                file.lock().map_err(|error| Problem::io("lock", &place, &error))?;
            }
            Err(TryLockError::Error(error)) => return Err(Problem::io("lock", &place, &error)),
        }
        // What an interrupted pip left behind. Only the holder of the lock may sweep.
        let temporary = self.at("tmp");
        remove_directory(&temporary)?;
        Ok(Lock { _file: file, temporary })
    }

    /// A fresh empty folder under `tmp`; pip and its temporary files work there.
    pub fn scratch(&self, name: &str) -> Outcome<PathBuf> {
        let place = self.at("tmp").join(name);
        remove_directory(&place)?;
        create_directory(&place)?;
        Ok(place)
    }
}

pub fn create_directory(place: &Path) -> Outcome<()> {
    fs::create_dir_all(place).map_err(|error| Problem::io("create", place, &error))
}

pub fn remove_directory(place: &Path) -> Outcome<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Problem::io("remove", place, &error)),
        _ => Ok(()),
    }
}

pub fn remove_file(place: &Path) -> Outcome<()> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Problem::io("remove", place, &error)),
        _ => Ok(()),
    }
}

pub fn rename(from: &Path, to: &Path) -> Outcome<()> {
    fs::rename(from, to).map_err(|error| Problem::io("write", to, &error))
}

/// Written whole or not at all.
pub fn write_file(place: &Path, text: &str) -> Outcome<()> {
    let fresh = place.with_added_extension("new");
    fs::write(&fresh, text).map_err(|error| Problem::io("write", &fresh, &error))?;
    rename(&fresh, place)
}
