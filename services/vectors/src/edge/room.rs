//! Is there room on the disk? Asked before writing, because the engine writes through memory
//! maps, and the kernel answers a full disk there by killing the process.

use crate::index::Point;
use fuente_contract::{Error, ErrorCode, Result};
use nix::sys::statvfs::statvfs;
use std::path::Path;

/// Bytes that must stay free, so that removals and the engine's own upkeep can still work.
const RESERVE: u64 = 128 * 1024 * 1024;

/// Bytes that points may take: in the log, in the segment, and in a segment built from it.
pub(super) fn needed(points: &[Point]) -> u64 {
    let bytes = |point: &Point| 1_024 + 4 * point.dense.len() + 8 * point.sparse.indices.len();
    points.iter().map(|point| 3 * bytes(point) as u64).sum()
}

/// Refuses where writing `needed` bytes would leave less than the reserve.
pub(super) fn check(dir: &Path, needed: u64) -> Result<()> {
    let disk = statvfs(dir).map_err(Error::internal)?;
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    if free >= needed.saturating_add(RESERVE) {
        return Ok(());
    }
    let detail =
        "The disk that holds the vector index is nearly full. Free some space; what is stored stays searchable.";
    Err(Error::new(ErrorCode::InsufficientStorage, detail).because(format!("{free} bytes free, {needed} needed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_cannot_fit_is_refused_before_it_starts() {
        let here = std::env::temp_dir();
        assert!(check(&here, 1).is_ok());
        assert_eq!(check(&here, u64::MAX / 2).unwrap_err().code, ErrorCode::InsufficientStorage);
    }
}
