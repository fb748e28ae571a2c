//! Archives: which format a ZIP holds, and its parts, unpacked in memory under a counted limit.
//! Nothing is ever written to disk, so names inside an archive have no power.

use super::sniff::Kind;
use crate::ExtractError;
use crate::limits::{Limits, MAX_ARCHIVE_ENTRIES};
use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// A part that tells the format, and what the format is called where it is not read.
const MARKS: &[(&str, &str)] = &[
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("xl/workbook.xml", "an Excel workbook"),
    ("xl/workbook.bin", "an Excel workbook"),
    ("META-INF/container.xml", "an e-book (EPUB)"),
    ("content.xml", "an OpenDocument file"),
    ("Index/Document.iwa", "an Apple iWork file"),
    ("AndroidManifest.xml", "an Android program"),
    ("META-INF/MANIFEST.MF", "a Java program"),
];

/// The format inside a ZIP.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind, ExtractError> {
    let archive = open(bytes)?;
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has("word/document.xml")
        || (has("[Content_Types].xml") && archive.file_names_raw().any(|name| name.starts_with(b"word/")))
    {
        return Ok(Kind::Docx);
    }
    match MARKS.iter().find(|(mark, _)| has(mark)) {
        Some((_, what)) => Err(ExtractError::Unsupported((*what).to_owned())),
        None => Ok(Kind::Zip),
    }
}

/// The archive's list of entries.
pub(super) fn open(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, ExtractError> {
    // Entries that are claimed are refused before a list of them is made.
    if claimed_entries(bytes) > MAX_ARCHIVE_ENTRIES as u64 {
        return Err(ExtractError::TooLarge(format!("the archive has more than {MAX_ARCHIVE_ENTRIES} entries")));
    }
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(refused)?;
    if archive.len() > MAX_ARCHIVE_ENTRIES {
        return Err(ExtractError::TooLarge(format!("the archive has more than {MAX_ARCHIVE_ENTRIES} entries")));
    }
    Ok(archive)
}

/// An Office package.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ExtractError> {
        Ok(Self { archive: open(bytes)?, left: limits.max_part_bytes() })
    }

    /// The unpacked part, or None where the package has no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let mut entry = match self.archive.by_name(name) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(refused(error)),
        };
        // The size in the header is a claim; what comes out is counted.
        let mut bytes = Vec::new();
        let read = entry.by_ref().take(self.left + 1).read_to_end(&mut bytes);
        read.map_err(|error| ExtractError::Damaged(format!("its part {name} does not unpack ({error})")))?;
        let length = bytes.len() as u64;
        if length > self.left {
            return Err(ExtractError::TooLarge("it unpacks to more than the memory allowed".to_owned()));
        }
        self.left -= length;
        Ok(Some(bytes))
    }
}

/// How many entries the end of the archive claims.
fn claimed_entries(bytes: &[u8]) -> u64 {
    let last = |mark: &[u8]| bytes.windows(mark.len()).rposition(|window| window == mark);
    let wide = last(b"PK\x06\x06").and_then(|at| bytes.get(at + 32..at + 40)?.try_into().ok());
    let narrow = last(b"PK\x05\x06").and_then(|at| bytes.get(at + 10..at + 12)?.try_into().ok());
    match narrow.map(u16::from_le_bytes) {
        Some(u16::MAX) | None => wide.map_or(0, u64::from_le_bytes),
        Some(count) => u64::from(count),
    }
}

pub(super) fn refused(error: ZipError) -> ExtractError {
    match error {
        ZipError::InvalidPassword | ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            ExtractError::Encrypted
        }
        error => ExtractError::Damaged(format!("its archive is broken ({error})")),
    }
}
