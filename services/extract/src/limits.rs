//! What one document may cost. The parent sets it, the child holds itself to it.

use serde::{Deserialize, Serialize};

/// Entries in an archive: real documents have a few hundred.
pub(crate) const MAX_ARCHIVE_ENTRIES: usize = 10_000;
/// Nesting of elements in markup: real documents stay under fifty.
pub(crate) const MAX_DEPTH: usize = 1_000;

/// Limits of the child that reads one document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Limits {
    pub cpu_seconds: u64,
    /// Memory that the child may add to what its program occupies at the start.
    pub memory_bytes: u64,
    pub max_text_chars: usize,
    pub max_pages: u32,
    /// Scanned pages that are recognised; 0 where no program can.
    pub ocr_pages: u32,
    /// The child ends itself a little after the parent should have ended it.
    pub wall_seconds: u64,
}

impl Limits {
    /// Unpacked bytes of one part of an archive; a reader keeps it beside the text it makes.
    pub(crate) fn max_part_bytes(&self) -> u64 {
        self.memory_bytes / 4
    }

    /// Unpacked bytes of an archive that are read without being kept: they cost time, not memory.
    pub(crate) fn max_stream_bytes(&self) -> u64 {
        self.memory_bytes.saturating_mul(4)
    }
}
