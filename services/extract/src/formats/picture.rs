//! Pictures of text: PNG, JPEG and TIFF, read by tesseract where it is installed. What a picture
//! claims to measure is looked at before anything decodes it.

use super::{Source, text};
use crate::ExtractError;
use crate::canonical::Canonical;
use crate::recognise::{MAX_PIXELS, Paragraph};

/// Pages of one TIFF.
const MAX_TIFF_PAGES: usize = 1_000;

/// What the first bytes say it is; who sent it may have called it anything.
pub(super) fn mime(bytes: &[u8]) -> Option<&'static str> {
    let tiff = [b"II*\0", b"MM\0*"].iter().any(|mark| bytes.starts_with(*mark));
    match bytes {
        _ if tiff => Some("image/tiff"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        _ => None,
    }
}

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let sizes = sizes(source.bytes).ok_or_else(|| ExtractError::Damaged("its picture has no size".to_owned()))?;
    if sizes.is_empty() || sizes.iter().any(|(width, height)| *width == 0 || *height == 0) {
        return Err(ExtractError::Damaged("its picture has no size".to_owned()));
    }
    if sizes.iter().any(|(width, height)| width.saturating_mul(*height) > MAX_PIXELS) {
        return Err(ExtractError::TooLarge(format!(
            "a picture has more than {} million pixels",
            MAX_PIXELS / 1_000_000
        )));
    }
    if sizes.len() as u64 > u64::from(canonical.limits().ocr_pages.max(1)) {
        return Err(ExtractError::TooLarge("it has more scanned pages than are recognised".to_owned()));
    }
    let recognise = source.around.recognise.ok_or(ExtractError::NeedsOcr)?;
    write(&recognise.paragraphs(source.bytes, &[], None)?, canonical)
}

fn write(paragraphs: &[Paragraph], canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut page = 0;
    for paragraph in paragraphs {
        if paragraph.page > page {
            page = paragraph.page;
            canonical.page(page);
        }
        canonical.paragraph(&joined(&paragraph.text))?;
    }
    canonical.warn("The text was recognised from a picture; it may have mistakes.");
    Ok(())
}

/// The lines of a recognised paragraph as one, with cut words made whole.
pub(super) fn joined(lines: &str) -> String {
    let mut whole = String::new();
    lines.lines().for_each(|line| text::join_wrapped(&mut whole, line));
    whole
}

/// Width and height of each picture in the file, as it claims.
fn sizes(bytes: &[u8]) -> Option<Vec<(u64, u64)>> {
    match bytes {
        [0x89, ..] => {
            let number = |at: usize| Some(u64::from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)));
            Some(vec![(number(16)?, number(20)?)])
        }
        [0xFF, ..] => jpeg(bytes).map(|size| vec![size]),
        _ => tiff(bytes),
    }
}

/// The first frame header. Segments say how long they are, so finding it is a walk.
fn jpeg(bytes: &[u8]) -> Option<(u64, u64)> {
    let short = |at: usize| Some(u64::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let mut at = 2;
    loop {
        while *bytes.get(at)? == 0xFF && *bytes.get(at + 1)? == 0xFF {
            at += 1;
        }
        match (*bytes.get(at)?, *bytes.get(at + 1)?) {
            (0xFF, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF) => {
                return Some((short(at + 7)?, short(at + 5)?));
            }
            (0xFF, 0xD8 | 0x01) => at += 2,
            (0xFF, _) => at += 2 + usize::try_from(short(at + 2)?).ok()?.max(2),
            _ => return None,
        }
    }
}

/// Each directory of a TIFF; a chain that bites its tail ends at the limit.
fn tiff(bytes: &[u8]) -> Option<Vec<(u64, u64)>> {
    let little = bytes.starts_with(b"II");
    let short = |at: usize| {
        let pair: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let long = |at: usize| {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    };
    let mut sizes = Vec::new();
    let mut at = long(4)? as usize;
    while at != 0 {
        if sizes.len() > MAX_TIFF_PAGES {
            return None;
        }
        let (mut width, mut height) = (0, 0);
        let entries = usize::from(short(at)?);
        for entry in (0..entries).map(|number| at + 2 + 12 * number) {
            let value = match short(entry + 2)? {
                3 => u64::from(short(entry + 8)?),
                _ => u64::from(long(entry + 8)?),
            };
            match short(entry)? {
                256 => width = value,
                257 => height = value,
                _ => {}
            }
        }
        sizes.push((width, height));
        at = long(at + 2 + 12 * entries)? as usize;
    }
    Some(sizes)
}
