//! PDF: pdfium gives characters with their places; lines, table rows, headings and paragraphs are
//! put together again from those, since a PDF itself knows only where ink goes.

mod furniture;
mod glyphs;
mod headings;
mod lines;
mod paragraphs;
mod rows;
mod scanned;

use super::Source;
use crate::ExtractError;
use crate::canonical::Canonical;
use pdfium_render::prelude::{
    PdfDocument, PdfDocumentMetadataTagType, PdfPage, PdfPageObjectType, PdfPageObjectsCommon, PdfiumError,
    PdfiumInternalError,
};
use rows::Item;

/// Fewer characters than this on a page with pictures are a stamp or a page number, not its text.
const SCANNED_BELOW: usize = 10;
/// Above this share of characters without a meaning, the text is noise.
const MAX_UNREADABLE: f64 = 0.3;
/// The end mark stands in the last bytes; some programs append a little after it.
const END_WITHIN: usize = 4096;

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let pdfium = source.pdfium.ok_or_else(|| ExtractError::Setup("the PDF library is not loaded".to_owned()))?;
    let document = pdfium.load_pdf_from_byte_slice(source.bytes, None).map_err(refused)?;
    if !has_end(source.bytes) {
        // pdfium repairs such files with what is left; half a document would answer as if whole.
        return Err(ExtractError::Damaged("its end is missing, so pages may be missing too".to_owned()));
    }
    let count = u32::try_from(document.pages().len()).unwrap_or(0);
    if count == 0 {
        return Err(ExtractError::Empty);
    }
    if count > canonical.limits().max_pages {
        return Err(ExtractError::TooLarge(format!(
            "it has {count} pages, more than {}",
            canonical.limits().max_pages
        )));
    }
    title(&document, canonical);
    let items = read_pages(source, &document, count, canonical)?;
    let items = furniture::remove(items, count, canonical);
    let ranks = headings::Ranks::of(&items);
    paragraphs::write(&items, &ranks, count, canonical)?;
    if canonical.unreadable_share() > MAX_UNREADABLE { Err(ExtractError::NeedsOcr) } else { Ok(()) }
}

fn read_pages(
    source: &Source<'_>,
    document: &PdfDocument<'_>,
    count: u32,
    canonical: &mut Canonical<'_>,
) -> Result<Vec<Item>, ExtractError> {
    let (mut items, mut pictured, mut broken, mut chars) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut unrecognised: Option<ExtractError> = None;
    let mut recognised = Vec::new();
    for number in 1..=count {
        let page = i32::try_from(number - 1).ok().and_then(|index| document.pages().get(index).ok());
        let Some(page) = page else {
            broken.push(number);
            continue;
        };
        let lines = lines::of_page(&page, number);
        let length: usize = lines.iter().map(lines::Line::length).sum();
        if (length < SCANNED_BELOW && has_picture(&page)) || is_noise(&lines) {
            // After one failure of the program itself, it is not asked for each page again.
            let able = source.around.recognise.filter(|_| unrecognised.is_none());
            match able.map(|recognise| scanned::read(&page, recognise)) {
                Some(Ok(paragraphs)) if paragraphs.is_empty() => {}
                Some(Ok(paragraphs)) => {
                    chars += paragraphs.iter().map(String::len).sum::<usize>();
                    items.extend(paragraphs.into_iter().map(|text| Item::Recognised { page: number, text }));
                    recognised.push(number);
                    continue;
                }
                Some(Err(error)) => unrecognised = Some(error),
                None => {}
            }
            pictured.push(number);
        }
        chars += length;
        if chars > canonical.limits().max_text_chars {
            return Err(ExtractError::TooLarge(format!(
                "its text is longer than {} characters",
                canonical.limits().max_text_chars
            )));
        }
        items.extend(rows::assemble(lines));
    }
    if broken.len() as u32 == count {
        return Err(ExtractError::Damaged("none of its pages can be opened".to_owned()));
    }
    if !pictured.is_empty() && pictured.len() + broken.len() == count as usize {
        return Err(unrecognised.unwrap_or(match source.around.recognise {
            None => ExtractError::NeedsOcr,
            Some(_) => ExtractError::Empty,
        }));
    }
    if let Some(error) = unrecognised {
        canonical.warn(format!("Not every scanned page was recognised: {error}."));
    }
    warn_pages(&recognised, "was recognised from a picture; its text may have mistakes", canonical);
    warn_pages(&pictured, "holds only a picture; its text is not searchable", canonical);
    warn_pages(&broken, "cannot be opened; its text is missing", canonical);
    Ok(items)
}

/// Whether most of a page's characters mean something in its font only.
fn is_noise(lines: &[lines::Line]) -> bool {
    let (mut all, mut unreadable) = (0_usize, 0_usize);
    for c in lines.iter().flat_map(|line| &line.cells).flat_map(|cell| cell.text.chars()) {
        all += 1;
        unreadable += usize::from(matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{FFFD}' | '\u{0}'..='\u{8}'));
    }
    all >= SCANNED_BELOW && unreadable as f64 > all as f64 * MAX_UNREADABLE
}

fn warn_pages(pages: &[u32], what: &str, canonical: &mut Canonical<'_>) {
    match pages {
        [] => {}
        [page] => canonical.warn(format!("Page {page} {what}.")),
        [page, more @ ..] => canonical.warn(format!("Page {page} {what}; the same holds for {} more.", more.len())),
    }
}

fn has_picture(page: &PdfPage<'_>) -> bool {
    page.objects()
        .iter()
        .any(|object| matches!(object.object_type(), PdfPageObjectType::Image | PdfPageObjectType::XObjectForm))
}

fn refused(error: PdfiumError) -> ExtractError {
    match error {
        PdfiumError::PdfiumLibraryInternalError(
            PdfiumInternalError::PasswordError | PdfiumInternalError::SecurityError,
        ) => ExtractError::Encrypted,
        _ => ExtractError::Damaged("it is not a readable PDF".to_owned()),
    }
}

fn has_end(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(END_WITHIN)..];
    tail.windows(5).any(|window| window == b"%%EOF") || tail.windows(9).any(|window| window == b"startxref")
}

/// The title in the metadata, unless a program put its own words there.
fn title(document: &PdfDocument<'_>, canonical: &mut Canonical<'_>) {
    let Some(tag) = document.metadata().get(PdfDocumentMetadataTagType::Title) else { return };
    let title = tag.value().trim();
    let lower = title.to_lowercase();
    let by_program = [
        "microsoft word - ",
        "untitled",
        "(anonymous)",
        "anonymous",
        "sin título",
        "documento1",
        "document1",
        "slide 1",
    ];
    let a_file = [".doc", ".docx", ".pdf", ".indd", ".odt", ".tex", ".xls", ".xlsx", ".ppt", ".pptx"];
    if !by_program.iter().any(|words| lower.starts_with(words)) && !a_file.iter().any(|end| lower.ends_with(end)) {
        canonical.title(title);
    }
}
