//! ZIP archives as one document: each entry that can be read is a part named by its path.
//! Entries are unpacked one at a time, in memory, and counted; names have no power.

use super::Source;
use super::archive::{self, refused};
use super::around::read_nested;
use crate::ExtractError;
use crate::canonical::Canonical;
use std::io::Read;

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut archive = archive::open(source.bytes)?;
    let (mut read, mut refusal) = (0_usize, None);
    for index in 0..archive.len() {
        let (label, unpacked) = match archive.by_index(index) {
            Ok(mut entry) => {
                let name = entry.name().map_or_else(|_| format!("entry {}", index + 1), |name| name.into_owned());
                if entry.is_dir() || is_debris(&name) {
                    continue;
                }
                let unpacked = if entry.is_symlink() {
                    Err(ExtractError::Unsupported("a link to another file".to_owned()))
                } else {
                    unpack(&mut entry, source, canonical.limits().max_part_bytes())
                };
                (name, unpacked)
            }
            Err(error) => (format!("Entry {}", index + 1), Err(refused(error))),
        };
        let ended = match unpacked {
            Ok(bytes) => {
                let name = label.rsplit(['/', '\\']).next().unwrap_or_default();
                read_nested(source, &bytes, name, &label, canonical)
            }
            Err(error) => canonical.nested(&label, |_| Err(error)),
        };
        match ended {
            Ok(()) => read += 1,
            // A bomb is no archive with one bad entry.
            Err(error @ ExtractError::TooLarge(_)) if source.around.left() == 0 => return Err(error),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        Some(error) if read == 0 => Err(error),
        _ => Ok(()),
    }
}

/// What systems put into archives on their own.
fn is_debris(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    name.starts_with("__MACOSX/") || matches!(last, ".DS_Store" | "Thumbs.db" | "desktop.ini")
}

fn unpack(entry: &mut impl Read, source: &Source<'_>, part: u64) -> Result<Vec<u8>, ExtractError> {
    let allowed = part.min(source.around.left());
    let mut bytes = Vec::new();
    let read = entry.take(allowed.saturating_add(1)).read_to_end(&mut bytes);
    source.around.spend(bytes.len() as u64);
    read.map_err(|error| ExtractError::Damaged(format!("it does not unpack ({error})")))?;
    if bytes.len() as u64 > allowed {
        return Err(ExtractError::TooLarge("the archive unpacks to more than is allowed".to_owned()));
    }
    Ok(bytes)
}
