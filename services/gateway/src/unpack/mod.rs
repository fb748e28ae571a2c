//! Archives on their way in: on the disk first, looked through whole, then entry by entry.
//!
//! The bytes are hostile until shown otherwise, so nothing is believed that can be counted: an
//! archive is unpacked twice, and the first time into nothing, so that a bomb is known before
//! anything was taken from it. Memory holds one chunk of one entry, and the names. No name ever
//! becomes a path on the disk.

mod names;

pub(crate) use names::LeftOut;

use bytes::Bytes;
use fuente_contract::ingest::ByteStream;
use fuente_contract::{Error, ErrorCode, Result};
use futures_util::StreamExt;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

/// Bytes unpacked at a time, and how many of these may wait for the store.
const CHUNK: usize = 64 * 1024;
const IN_FLIGHT: usize = 4;

/// How much an archive may be; see `[gateway]` of the settings.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) entries: usize,
    /// Unpacked bytes, of all entries and of one.
    pub(crate) all: u64,
    pub(crate) each: u64,
}

/// A file in an archive: its path, or why it becomes no document.
pub(crate) struct Entry {
    /// As the archive calls it; cut where it is longer than any path that is taken.
    pub(crate) name: String,
    pub(crate) path: Result<String, LeftOut>,
}

/// An archive that was looked through.
pub(crate) struct Archive {
    pub(crate) entries: Vec<Entry>,
    file: File,
    /// Places in the archive's directory of the entries that have a path.
    taken: Vec<usize>,
}

/// Writes an upload to a file that has no name: it goes with the call, whatever becomes of it.
///
/// # Errors
/// `InsufficientStorage` where the disk is full.
pub(crate) async fn save(mut bytes: ByteStream) -> Result<File> {
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(unwritten)?);
    while let Some(chunk) = bytes.next().await {
        file.write_all(&chunk.map_err(Error::internal)?).await.map_err(unwritten)?;
    }
    file.flush().await.map_err(unwritten)?;
    Ok(file.into_std().await)
}

fn unwritten(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::new(ErrorCode::InsufficientStorage, "The disk that archives are unpacked from is full.")
                .because(error)
        }
        _ => Error::internal(error),
    }
}

impl Archive {
    /// Looks through the whole archive.
    ///
    /// # Errors
    /// `TooLarge` for a bomb; `InvalidRequest` for what is no archive.
    pub(crate) async fn open(file: File, bounds: Bounds) -> Result<Self> {
        tokio::task::spawn_blocking(move || look_through(file, &bounds)).await.map_err(Error::internal)?
    }

    /// The entries that have a path, one after the other, in order. The next one is unpacked when
    /// the one before was read to its end or given up.
    pub(crate) fn unpack(self) -> (Vec<Entry>, mpsc::Receiver<ByteStream>) {
        let Self { entries, file, taken } = self;
        let (sender, receiver) = mpsc::channel(1);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = send_all(&file, &taken, &sender) {
                tracing::warn!(%error, "an archive that was looked through does not unpack");
            }
        });
        (entries, receiver)
    }
}

fn look_through(mut file: File, bounds: &Bounds) -> Result<Archive> {
    let length = file.seek(SeekFrom::End(0)).map_err(Error::internal)?;
    let mut zip = directory(&file).map_err(|error| match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => Error::internal(error),
        _ => Error::invalid("The file is no ZIP archive, or a damaged one. Send other files without `unpack`."),
    })?;
    // What the archive claims is refused before a list of it is made.
    if zip.len() > bounds.entries {
        return Err(too_large(format!("The archive has more than {} entries.", bounds.entries)));
    }
    let (mut entries, mut taken) = (Vec::new(), Vec::new());
    let (mut seen, mut left, mut packed_left) = (HashSet::new(), bounds.all, length);
    let files = zip.files().map_err(damaged)?;
    for place in 0.. {
        let Some(entry) = files.next() else { break };
        let entry = entry.map_err(damaged)?;
        let name = names::shown(entry.name_raw(), entry.name().ok().as_deref());
        if names::marks_a_document(&name, place) {
            return Err(Error::invalid(
                "This ZIP is a document itself (an Office, OpenDocument or EPUB file). Send it without `unpack`.",
            ));
        }
        if entry.is_dir() || name.ends_with('\\') {
            continue;
        }
        let path = match names::path(&name).and_then(|path| readable(&entry).map(|()| path)) {
            Ok(path) if !seen.insert(path.clone()) => Err(LeftOut::Duplicate),
            Ok(path) => {
                // Entries that overlap would let a small archive be read without end.
                packed_left = packed_left
                    .checked_sub(entry.compressed_size())
                    .ok_or_else(|| Error::invalid("The archive is damaged: its entries overlap."))?;
                counted(entry, files.reader_mut(), bounds, &mut left)?.map(|()| path)
            }
            Err(reason) => Err(reason),
        };
        if path.is_ok() {
            taken.push(place);
        }
        entries.push(Entry { name, path });
    }
    drop(zip);
    Ok(Archive { entries, file, taken })
}

/// Walks the directory without holding it: names and extra fields may be many megabytes.
fn directory(file: &File) -> Result<ZipIterable<BufReader<&File>>, ZipError> {
    ZipIterable::try_new(BufReader::with_capacity(CHUNK, file), Config::default())
}

fn readable(entry: &ZipFileEntry<'_>) -> Result<(), LeftOut> {
    // The kind of file in the mode that Unix archivers write; 0 where they wrote none.
    let kind = entry.unix_mode().unwrap_or_default() & 0o170_000;
    if entry.is_symlink() || !matches!(kind, 0 | 0o100_000) {
        return Err(LeftOut::NotAFile);
    }
    if entry.encrypted() { Err(LeftOut::Encrypted) } else { Ok(()) }
}

/// Unpacks an entry into nothing. The outer error is the whole archive's.
fn counted(
    entry: ZipFileEntry<'_>,
    reader: &mut BufReader<&File>,
    bounds: &Bounds,
    left: &mut u64,
) -> Result<Result<(), LeftOut>> {
    let mut file = match entry.with_reader(reader, ZipReadOptions::new()) {
        Ok(file) => file,
        Err(error) => return Ok(Err(reason(&error))),
    };
    let (mut buffer, mut size) = (vec![0; CHUNK], 0_u64);
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => return Ok(Ok(())),
            Ok(read) => read as u64,
            Err(_) => return Ok(Err(LeftOut::Damaged)),
        };
        size += read;
        *left = left.checked_sub(read).ok_or_else(|| {
            too_large(format!("The archive unpacks to more than {} bytes. Nothing was taken of it.", bounds.all))
        })?;
        if size > bounds.each {
            return Ok(Err(LeftOut::TooLarge));
        }
    }
}

fn reason(error: &ZipError) -> LeftOut {
    match error {
        ZipError::InvalidPassword => LeftOut::Encrypted,
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => LeftOut::Unsupported,
        _ => LeftOut::Damaged,
    }
}

fn send_all(file: &File, taken: &[usize], streams: &mpsc::Sender<ByteStream>) -> Result<(), ZipError> {
    let (mut zip, mut taken) = (directory(file)?, taken.iter().copied().peekable());
    let files = zip.files()?;
    for place in 0.. {
        let Some(entry) = files.next() else { break };
        if taken.next_if_eq(&place).is_none() {
            continue;
        }
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let stream = tokio_stream::wrappers::ReceiverStream::new(receiver).boxed();
        if streams.blocking_send(stream).is_err() {
            // The call has ended.
            return Ok(());
        }
        let mut file = entry?.with_reader(files.reader_mut(), ZipReadOptions::new())?;
        loop {
            let mut buffer = vec![0; CHUNK];
            let chunk = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    buffer.truncate(read);
                    Ok(Bytes::from(buffer))
                }
                Err(error) => Err(error),
            };
            let failed = chunk.is_err();
            if sender.blocking_send(chunk).is_err() || failed {
                break;
            }
        }
    }
    Ok(())
}

fn damaged(error: ZipError) -> Error {
    Error::invalid("The archive is damaged: its list of files cannot be read.").because(error)
}

fn too_large(detail: String) -> Error {
    Error::new(ErrorCode::TooLarge, detail)
}
