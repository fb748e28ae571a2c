//! What stands around a document: the helpers of its child process, and for a document inside
//! another one, how deep it lies and what the whole may still unpack.

use crate::ExtractError;
use crate::canonical::Canonical;
use crate::recognise::Recognise;
use std::cell::Cell;

use super::Source;

/// An archive in an archive is read; one in that is not.
const MAX_NESTED: u8 = 2;
/// Unpacked bytes of all documents in one file.
const MAX_UNPACKED: u64 = 1 << 30;
/// Documents in one file, at all depths.
const MAX_DOCUMENTS: usize = 10_000;
/// Real documents unpack to far less than this many times their packed size…
const MAX_RATIO: u64 = 200;
/// …or to little.
const ANY_RATIO_BELOW: u64 = 16 << 20;

/// Shared by a document and all documents in it.
pub(crate) struct Around<'a> {
    /// Where `tesseract` may be asked.
    pub(crate) recognise: Option<&'a dyn Recognise>,
    depth: Cell<u8>,
    unpacked: Cell<u64>,
    documents: Cell<usize>,
    /// Bytes of the file as it came.
    packed: u64,
}

impl<'a> Around<'a> {
    pub(crate) fn new(bytes: &[u8], recognise: Option<&'a dyn Recognise>) -> Self {
        Self {
            recognise,
            depth: Cell::new(0),
            unpacked: Cell::new(0),
            documents: Cell::new(0),
            packed: bytes.len() as u64,
        }
    }

    /// Bytes that may still be unpacked.
    pub(super) fn left(&self) -> u64 {
        let by_ratio = self.packed.saturating_mul(MAX_RATIO).max(ANY_RATIO_BELOW);
        MAX_UNPACKED.min(by_ratio).saturating_sub(self.unpacked.get())
    }

    pub(super) fn spend(&self, bytes: u64) {
        self.unpacked.set(self.unpacked.get().saturating_add(bytes));
    }
}

/// Reads a document that was found in `outer`, as a part called `label`. Where it cannot be read, the
/// outer one goes on with a warning; the error is for an outer one of which nothing could be read.
pub(super) fn read_nested(
    outer: &Source<'_>,
    bytes: &[u8],
    name: &str,
    label: &str,
    canonical: &mut Canonical<'_>,
) -> Result<(), ExtractError> {
    let around = outer.around;
    let depth = around.depth.get();
    around.documents.set(around.documents.get() + 1);
    canonical.nested(label, |canonical| {
        if depth >= MAX_NESTED {
            return Err(ExtractError::TooLarge(format!("it lies more than {MAX_NESTED} documents deep")));
        }
        if around.documents.get() > MAX_DOCUMENTS {
            return Err(ExtractError::TooLarge(format!("there are more than {MAX_DOCUMENTS} documents in one")));
        }
        around.depth.set(depth + 1);
        let source = Source { bytes, name, pdfium: outer.pdfium, around };
        let ended = super::read_into(&source, canonical).map(|_| ());
        around.depth.set(depth);
        ended
    })
}
