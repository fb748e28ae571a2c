//! Archives: which format a ZIP holds, and its parts, unpacked in memory under a counted limit.
//! Nothing is ever written to disk, so names inside an archive have no power.

use super::sniff::Kind;
use crate::ExtractError;
use crate::limits::{Limits, MAX_ARCHIVE_ENTRIES};
use std::io::{BufRead, BufReader, Cursor, Error, ErrorKind, Read};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// What the mark of a format leads to.
enum Mark {
    Read(Kind),
    /// Known and not read; what to call it.
    Unread(&'static str),
}

/// Parts, or folders of parts, that tell the format. The first that is there decides.
const MARKS: &[(&str, Mark)] = &[
    ("word/document.xml", Mark::Read(Kind::Docx)),
    ("ppt/presentation.xml", Mark::Read(Kind::Pptx)),
    ("xl/workbook.xml", Mark::Read(Kind::Xlsx)),
    ("xl/workbook.bin", Mark::Unread("a binary Excel workbook (XLSB)")),
    ("visio/document.xml", Mark::Unread("a Visio drawing")),
    ("META-INF/container.xml", Mark::Read(Kind::Epub)),
    ("content.xml", Mark::Unread("an OpenDocument file of another kind")),
    ("Index/Document.iwa", Mark::Unread("an Apple iWork file")),
    ("AndroidManifest.xml", Mark::Unread("an Android program")),
    ("META-INF/MANIFEST.MF", Mark::Unread("a Java program")),
];

/// Folders of Office packages whose main part has another name than usual.
const FOLDERS: &[(&[u8], Kind)] = &[(b"word/", Kind::Docx), (b"ppt/", Kind::Pptx), (b"xl/", Kind::Xlsx)];

/// What the part `mimetype` says; templates are documents too.
const MIMES: &[(&str, Kind)] = &[
    ("application/vnd.oasis.opendocument.text", Kind::Odt),
    ("application/vnd.oasis.opendocument.spreadsheet", Kind::Ods),
    ("application/vnd.oasis.opendocument.presentation", Kind::Odp),
    ("application/epub+zip", Kind::Epub),
];

/// The format inside a ZIP.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind, ExtractError> {
    let mut archive = open(bytes)?;
    if let Some(kind) = declared(&mut archive) {
        return Ok(kind);
    }
    let has = |name: &str| archive.index_for_name(name).is_some();
    let mark = MARKS.iter().find(|(mark, _)| has(mark)).map(|(_, mark)| mark);
    if let Some(Mark::Read(kind)) = mark {
        return Ok(*kind);
    }
    let holds = |folder: &[u8]| archive.file_names_raw().any(|name| name.starts_with(folder));
    let folder = FOLDERS.iter().find(|(folder, _)| has("[Content_Types].xml") && holds(folder));
    match (mark, folder) {
        (Some(Mark::Unread(what)), _) => Err(ExtractError::Unsupported((*what).to_owned())),
        (_, Some((_, kind))) => Ok(*kind),
        _ => Ok(Kind::Zip),
    }
}

/// The kind that the package names itself, where it is one that is read.
fn declared(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Option<Kind> {
    let entry = archive.by_name("mimetype").ok()?;
    let mut mime = String::new();
    entry.take(200).read_to_string(&mut mime).ok()?;
    let mime = mime.trim().trim_end_matches("-template");
    MIMES.iter().find(|(known, _)| *known == mime).map(|(_, kind)| *kind)
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

/// An Office package, an e-book: parts by their names.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked and kept.
    left: u64,
    /// Bytes that may still be unpacked and forgotten.
    stream_left: u64,
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ExtractError> {
        Ok(Self { archive: open(bytes)?, left: limits.max_part_bytes(), stream_left: limits.max_stream_bytes() })
    }

    /// The unpacked part, or None where the package has no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let Some(mut entry) = entry(&mut self.archive, name)? else { return Ok(None) };
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

    /// The part as a stream that is never held whole: sheets unpack to hundreds of megabytes.
    pub(super) fn stream(&mut self, name: &str) -> Result<Option<Stream<'_, 'a>>, ExtractError> {
        let most = self.left;
        let Some(entry) = entry(&mut self.archive, name)? else { return Ok(None) };
        let unpacked = BufReader::with_capacity(64 * 1024, entry);
        Ok(Some(Stream { unpacked, left: &mut self.stream_left, token_left: most, most }))
    }
}

fn entry<'p, 'a>(
    archive: &'p mut ZipArchive<Cursor<&'a [u8]>>,
    name: &str,
) -> Result<Option<ZipFile<'p, Cursor<&'a [u8]>>>, ExtractError> {
    match archive.by_name(name) {
        Ok(entry) => Ok(Some(entry)),
        Err(ZipError::FileNotFound) => Ok(None),
        Err(error) => Err(refused(error)),
    }
}

/// A part as it unpacks. Two counts bound it: of all that comes out, and of what comes out for one
/// token, which its reader has to hold.
pub(super) struct Stream<'p, 'a> {
    unpacked: BufReader<ZipFile<'p, Cursor<&'a [u8]>>>,
    left: &'p mut u64,
    token_left: u64,
    most: u64,
}

impl Stream<'_, '_> {
    pub(super) fn next_token(&mut self) {
        self.token_left = self.most;
    }
}

impl Read for Stream<'_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.fill_buf()?.read(bytes)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Stream<'_, '_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.token_left == 0 || *self.left == 0 {
            return Err(Error::from(ErrorKind::FileTooLarge));
        }
        self.unpacked.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.token_left = self.token_left.saturating_sub(bytes as u64);
        *self.left = self.left.saturating_sub(bytes as u64);
        self.unpacked.consume(bytes);
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
