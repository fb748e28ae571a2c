//! Keeps the engine's log from growing for ever.
//!
//! This version of the engine numbers its operations by the log and never reads it back, nor
//! does it ever shorten it: each closed part would stay on disk for good. Only the newest
//! closed part is needed, because the numbering goes on from its end; numbers that went back
//! would make the engine take new changes for old ones and skip them.

use fuente_contract::{Error, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Removes the closed parts of a shard's log but the newest, and makes that one durable.
/// To be called when everything they hold is flushed.
pub(super) fn trim(shard: &Path) -> Result<()> {
    let mut closed = closed_parts(&shard.join("wal"))?;
    closed.sort_unstable();
    let Some((_, newest)) = closed.pop() else { return Ok(()) };
    File::open(&newest).and_then(|file| file.sync_all()).map_err(Error::internal)?;
    // Oldest first: a crash in between leaves no gap.
    for (_, part) in closed {
        fs::remove_file(&part).map_err(Error::internal)?;
    }
    Ok(())
}

/// Files named `closed-<first operation>`, with that number.
fn closed_parts(log: &Path) -> Result<Vec<(u64, PathBuf)>> {
    if !log.exists() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    for entry in fs::read_dir(log).map_err(Error::internal)? {
        let path = entry.map_err(Error::internal)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(first) = name.strip_prefix("closed-").and_then(|number| number.parse().ok()) {
            parts.push((first, path));
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_closed_part_and_the_open_one_stay() {
        let shard = std::env::temp_dir().join(format!("fuente-wal-{}", uuid::Uuid::now_v7()));
        let log = shard.join("wal");
        fs::create_dir_all(&log).unwrap();
        for name in ["closed-0", "closed-900", "closed-1200", "open-3", "first-index"] {
            fs::write(log.join(name), b"x").unwrap();
        }
        trim(&shard).unwrap();
        let mut left: Vec<String> =
            fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["closed-1200", "first-index", "open-3"]);
        fs::remove_dir_all(&shard).unwrap();
    }
}
