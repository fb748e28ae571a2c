//! Canonical text → passages: cut by structure, then sentences, then tokens of the embedding model.
//!
//! A passage is a slice of the canonical text and nothing else, so that every quote in it has its
//! place there. Its headings travel beside it and are prepended for the models only.

mod atoms;
mod pack;
mod sections;
mod tables;

use fuente_contract::document::PageStart;
use fuente_extract::Extracted;

/// No passage is longer, in tokens.
pub const MAX_TOKENS: usize = 240;
/// A passage ends at the next good place from here on…
const GOAL_TOKENS: usize = 190;
/// …and takes nothing more in that would bring it above this.
const FULL_TOKENS: usize = 220;
/// Sections at least this long are not mixed over a top-level heading.
const OWN_TOKENS: usize = 80;
/// A shorter passage joins its neighbour.
const TINY_TOKENS: usize = 40;

/// One passage; offsets count characters of the canonical text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub ordinal: u32,
    pub char_start: u32,
    pub char_end: u32,
    pub page_from: u32,
    pub page_to: u32,
    /// Headings from the top of the document; where a passage spans several sections, those that
    /// all of them share (the others stand in its text). Where the passage begins inside a table, the
    /// table's first row comes last: its figures mean little without the names of their columns.
    pub heading: Vec<String>,
    /// Equals the canonical text from `char_start` to `char_end`.
    pub text: String,
    pub tokens: u32,
}

/// Cuts `extracted`; `count` counts tokens of the embedding model.
#[must_use]
pub fn chunk(extracted: &Extracted, count: &dyn Fn(&str) -> usize) -> Vec<Chunk> {
    let text = Text::of(&extracted.text);
    // Models frame every text with marks of their own; those are counted once, not per sentence.
    let frame = count("");
    let tokens = |text: &str| count(text).saturating_sub(frame);
    let atoms = atoms::cut(extracted, &text, &tokens);
    let sections = sections::group(&atoms, &text);
    let packed = pack::pack(&atoms, &sections, &|start, end| tokens(text.slice(start, end)));
    let tables = tables::find(extracted, &text);
    let chunks = packed.into_iter().zip(0_u32..).map(|(mut span, ordinal)| {
        let slice = text.slice(span.char_start, span.char_end);
        span.heading.extend(tables::header(&tables, &text, span.char_start));
        Chunk {
            ordinal,
            char_start: span.char_start,
            char_end: span.char_end,
            page_from: page_at(&extracted.pages, span.char_start),
            page_to: page_at(&extracted.pages, span.char_end.saturating_sub(1)),
            heading: span.heading,
            text: slice.to_owned(),
            tokens: u32::try_from(tokens(slice)).unwrap_or(u32::MAX),
        }
    });
    chunks.collect()
}

/// The page on which the character at `offset` stands.
fn page_at(pages: &[PageStart], offset: u32) -> u32 {
    let after = pages.partition_point(|page| page.char_start <= offset);
    after.checked_sub(1).and_then(|at| pages.get(at)).map_or(1, |page| page.page)
}

/// The canonical text with the byte at which each character starts.
struct Text<'t> {
    text: &'t str,
    bytes: Vec<u32>,
}

impl<'t> Text<'t> {
    fn of(text: &'t str) -> Self {
        let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut bytes: Vec<u32> = text.char_indices().map(|(at, _)| byte(at)).collect();
        bytes.push(byte(text.len()));
        Self { text, bytes }
    }

    /// The characters from `start` to `end`; ends behind the text are its end.
    fn slice(&self, start: u32, end: u32) -> &'t str {
        let byte = |offset: u32| self.bytes.get(offset as usize).map_or(self.text.len(), |byte| *byte as usize);
        self.text.get(byte(start)..byte(end)).unwrap_or_default()
    }
}
