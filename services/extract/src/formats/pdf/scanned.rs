//! Pages that are pictures of text: drawn by pdfium, read by tesseract.

use crate::ExtractError;
use crate::formats::picture;
use crate::recognise::Recognise;
use pdfium_render::prelude::{PdfBitmapFormat, PdfPage, PdfRenderConfig};

/// What tesseract was made for.
const DOTS_PER_INCH: f32 = 300.0;
const POINTS_PER_INCH: f32 = 72.0;
/// A larger page (a poster, a claim of 200 inches) is drawn more coarsely.
const MAX_DRAWN: f32 = 12_000_000.0;

/// The paragraphs on a page.
pub(super) fn read(page: &PdfPage<'_>, recognise: &dyn Recognise) -> Result<Vec<String>, ExtractError> {
    let (width, height) = (page.width().value.max(1.0), page.height().value.max(1.0));
    let fitting = (MAX_DRAWN / (width * height)).sqrt();
    let scale = (DOTS_PER_INCH / POINTS_PER_INCH).min(fitting);
    let pixels = |points: f32| ((points * scale) as i32).clamp(1, 20_000);
    // Not in gray: pdfium then leaves out pictures that fill a page.
    let config = PdfRenderConfig::new().set_fixed_size(pixels(width), pixels(height)).set_format(PdfBitmapFormat::BGRx);
    let undrawn = |error| ExtractError::Damaged(format!("a page cannot be drawn ({error})"));
    let bitmap = page.render_with_config(&config).map_err(undrawn)?;
    let (columns, rows) = (usize::try_from(bitmap.width()).unwrap_or(0), usize::try_from(bitmap.height()).unwrap_or(0));
    let raw = bitmap.as_raw_bytes();
    // Rows may be padded to whole words.
    let stride = raw.len().checked_div(rows).unwrap_or(0);
    if stride < columns * 4 || columns == 0 {
        return Err(ExtractError::Damaged("a page cannot be drawn".to_owned()));
    }
    // Green is the better part of gray.
    let body: Vec<u8> =
        raw.chunks_exact(stride).flat_map(|row| row[..columns * 4].chunks_exact(4).map(|dot| dot[1])).collect();
    drop(raw);
    let head = format!("P5\n{columns} {rows}\n255\n");
    let dpi = (scale * POINTS_PER_INCH).round() as u32;
    let paragraphs = recognise.paragraphs(head.as_bytes(), &body, Some(dpi))?;
    Ok(paragraphs.iter().map(|paragraph| picture::joined(&paragraph.text)).collect())
}
