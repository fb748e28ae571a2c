//! Glyphs → lines of cells. A gap wider than any justified space starts a new cell.

use super::glyphs::{self, Glyph, Step};
use pdfium_render::prelude::PdfPage;

/// In ems: wider than a stretched space, narrower than the gutter of a table.
const CELL_GAP: f32 = 1.7;
/// In ems: the base of a superscript or of a smaller word still belongs to the line.
const SAME_LINE: f32 = 0.45;

/// A stretch of a line without a wide gap.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) left: f32,
    pub(super) right: f32,
}

/// A line as it stands on the page.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) page: u32,
    pub(super) cells: Vec<Cell>,
    pub(super) baseline: f32,
    /// The size of most of its letters.
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) turn: u8,
}

impl Line {
    pub(super) fn left(&self) -> f32 {
        self.cells.first().map_or(0.0, |cell| cell.left)
    }

    pub(super) fn right(&self) -> f32 {
        self.cells.last().map_or(0.0, |cell| cell.right)
    }

    pub(super) fn text(&self) -> String {
        let texts: Vec<&str> = self.cells.iter().map(|cell| cell.text.as_str()).collect();
        texts.join(" ")
    }

    pub(super) fn length(&self) -> usize {
        self.cells.iter().map(|cell| cell.text.len()).sum()
    }
}

/// The lines of `page` in the order of its content.
pub(super) fn of_page(page: &PdfPage<'_>, number: u32) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Option<Draft> = None;
    for step in glyphs::of_page(page) {
        match step {
            Step::LineEnd => lines.extend(open.take().and_then(|draft| draft.finish(number))),
            Step::Space => open.iter_mut().for_each(|draft| draft.spaced = true),
            Step::Glyph(glyph) => match &mut open {
                Some(draft) if draft.takes(&glyph) => draft.push(&glyph),
                _ => {
                    lines.extend(open.take().and_then(|draft| draft.finish(number)));
                    open = Some(Draft::new(&glyph));
                }
            },
        }
    }
    lines.extend(open.and_then(|draft| draft.finish(number)));
    lines
}

/// A line in the making.
struct Draft {
    cells: Vec<Cell>,
    baseline: f32,
    last: Glyph,
    spaced: bool,
    /// Letters by size in tenths of a point, and how many are bold.
    sizes: Vec<(u32, usize)>,
    bold: usize,
    letters: usize,
}

impl Draft {
    fn new(glyph: &Glyph) -> Self {
        let mut draft = Self {
            cells: Vec::new(),
            baseline: glyph.baseline,
            last: *glyph,
            spaced: false,
            sizes: Vec::new(),
            bold: 0,
            letters: 0,
        };
        draft.cells.push(Cell { text: String::new(), left: glyph.left, right: glyph.left });
        draft.push(glyph);
        draft
    }

    fn takes(&self, glyph: &Glyph) -> bool {
        let em = self.last.size.max(glyph.size);
        self.last.turn == glyph.turn
            && (glyph.baseline - self.baseline).abs() <= SAME_LINE * em
            && glyph.left >= self.last.left - 0.5 * em
    }

    fn push(&mut self, glyph: &Glyph) {
        let em = self.last.size.max(glyph.size);
        let gap = glyph.left - self.cells.last().map_or(glyph.left, |cell| cell.right);
        let empty = self.cells.last().is_none_or(|cell| cell.text.is_empty());
        if gap > CELL_GAP * em && !empty {
            self.cells.push(Cell { text: String::new(), left: glyph.left, right: glyph.right });
        } else if self.spaced && !empty {
            self.cells.iter_mut().last().into_iter().for_each(|cell| cell.text.push(' '));
        }
        if let Some(cell) = self.cells.last_mut() {
            cell.text.push(glyph.c);
            cell.right = cell.right.max(glyph.right);
        }
        if glyph.c.is_alphanumeric() {
            let size = (glyph.size * 10.0).round() as u32;
            match self.sizes.iter_mut().find(|(known, _)| *known == size) {
                Some((_, count)) => *count += 1,
                None => self.sizes.push((size, 1)),
            }
            self.letters += 1;
            self.bold += usize::from(glyph.bold);
        }
        self.spaced = false;
        self.last = *glyph;
    }

    fn finish(self, page: u32) -> Option<Line> {
        let size =
            self.sizes.iter().max_by_key(|(_, count)| *count).map_or(self.last.size, |(size, _)| *size as f32 / 10.0);
        let bold = self.letters > 0 && self.bold * 10 >= self.letters * 9;
        let cells: Vec<Cell> = self.cells.into_iter().filter(|cell| !cell.text.trim().is_empty()).collect();
        (!cells.is_empty()).then_some(Line { page, cells, baseline: self.baseline, size, bold, turn: self.last.turn })
    }
}
