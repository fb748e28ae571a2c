//! The characters of a page with their places, turned so that every text runs from left to right.

use pdfium_render::prelude::{PdfFontWeight, PdfPage, PdfPageTextChar};

/// A mark of pdfium for a hyphen at a line's end.
const LINE_END_HYPHEN: u32 = 0x02;

/// One step through the text of a page.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Glyph(Glyph),
    Space,
    LineEnd,
}

/// A character and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    pub(super) c: char,
    pub(super) left: f32,
    pub(super) right: f32,
    /// The line that the text stands on; larger is higher on the page.
    pub(super) baseline: f32,
    pub(super) size: f32,
    pub(super) bold: bool,
    /// Quarter turns, clockwise.
    pub(super) turn: u8,
}

/// What holds for a word: asked of pdfium once, not for each character.
#[derive(Clone, Copy)]
struct Look {
    size: f32,
    bold: bool,
    turn: u8,
}

/// The steps through `page` in the order of its content.
pub(super) fn of_page(page: &PdfPage<'_>) -> Vec<Step> {
    let Ok(text) = page.text() else { return Vec::new() };
    let chars = text.chars();
    let mut steps = Vec::with_capacity(chars.len());
    let mut look: Option<Look> = None;
    for char in chars.iter() {
        let value = char.unicode_value();
        let c = if value == LINE_END_HYPHEN { Some('-') } else { char::from_u32(value) };
        match c {
            Some('\r' | '\n' | '\u{2028}' | '\u{2029}') => {
                steps.push(Step::LineEnd);
                look = None;
            }
            Some(c) if c.is_whitespace() => {
                steps.push(Step::Space);
                look = None;
            }
            Some(c) => {
                let now = *look.get_or_insert_with(|| look_of(&char));
                steps.extend(place(&char, c, now).map(Step::Glyph));
            }
            None => {}
        }
    }
    steps
}

fn look_of(char: &PdfPageTextChar<'_>) -> Look {
    let turn =
        char.angle_radians().map_or(0, |angle| (angle / std::f32::consts::FRAC_PI_2).round() as i32).rem_euclid(4)
            as u8;
    let weight = match char.font_weight() {
        Some(PdfFontWeight::Weight700Bold | PdfFontWeight::Weight800 | PdfFontWeight::Weight900) => true,
        Some(PdfFontWeight::Custom(weight)) => weight >= 600,
        _ => false,
    };
    let name = || char.font_name().to_lowercase();
    let bold =
        weight || char.font_is_bold_reenforced() || ["bold", "black", "heavy"].iter().any(|word| name().contains(word));
    Look { size: char.scaled_font_size().value.abs(), bold, turn }
}

fn place(char: &PdfPageTextChar<'_>, c: char, look: Look) -> Option<Glyph> {
    let bounds = char.loose_bounds().ok()?;
    let (x, y) = char.origin().ok()?;
    let (left, right, top, bottom) =
        (bounds.left().value, bounds.right().value, bounds.top().value, bounds.bottom().value);
    let (left, right, baseline) = match look.turn {
        1 => (-top, -bottom, x.value),
        2 => (-right, -left, -y.value),
        3 => (bottom, top, -x.value),
        _ => (left, right, y.value),
    };
    let size = if look.size > 0.5 { look.size } else { (top - bottom).abs().max(1.0) };
    [left, right, baseline, size].iter().all(|value| value.is_finite()).then_some(Glyph {
        c,
        left,
        right,
        baseline,
        size,
        bold: look.bold,
        turn: look.turn,
    })
}
