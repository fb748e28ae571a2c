//! SHA-256 of large files, hashed once and then remembered in a stamp beside them.
//!
//! The stamp guards against damage and mix-ups, not against someone who can write to the cache:
//! such a person could replace this program, too.

use crate::error::ModelError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::UNIX_EPOCH;

const STAMP: &str = ".verified";

/// What was true of a file when it was last hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    size: u64,
    modified_ns: u128,
    sha256: String,
}

/// Checks that `path` has the hash `expected`.
///
/// # Errors
/// [`ModelError::Missing`] or [`ModelError::WrongHash`].
pub(crate) fn file(path: &Path, expected: &str) -> Result<(), ModelError> {
    let metadata = std::fs::metadata(path).map_err(|_| ModelError::missing(path.display()))?;
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified_ns = modified.map_or(0, |time| time.as_nanos());
    let wanted = Seen { size: metadata.len(), modified_ns, sha256: expected.to_owned() };
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(ModelError::missing(path.display()));
    };
    if read(directory).get(name) == Some(&wanted) {
        return Ok(());
    }
    let found = hash(path).map_err(|error| ModelError::failed(&format!("{} cannot be read", path.display()), error))?;
    if found != expected {
        return Err(ModelError::WrongHash { file: path.to_owned(), expected: expected.to_owned(), found });
    }
    remember(directory, name, wanted);
    Ok(())
}

fn hash(path: &Path) -> std::io::Result<String> {
    let mut reader = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// An absent or unreadable stamp only means that the files are hashed again.
fn read(directory: &Path) -> BTreeMap<String, Seen> {
    std::fs::read(directory.join(STAMP)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Written beside and renamed, so that a second process never reads half a stamp. A cache that
/// cannot be written to costs a hash at each start, nothing more.
fn remember(directory: &Path, name: &str, seen: Seen) {
    let mut stamp = read(directory);
    stamp.insert(name.to_owned(), seen);
    let beside = directory.join(format!("{STAMP}.{}", std::process::id()));
    let written = serde_json::to_vec_pretty(&stamp)
        .map_err(std::io::Error::other)
        .and_then(|bytes| std::fs::write(&beside, bytes))
        .and_then(|()| std::fs::rename(&beside, directory.join(STAMP)));
    if let Err(error) = written {
        tracing::debug!(directory = %directory.display(), %error, "the stamp of verified files was not written");
        let _ = std::fs::remove_file(&beside);
    }
}
