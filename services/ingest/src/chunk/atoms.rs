//! The pieces that are never cut again: headings, sentences, list items, table rows, lines of code.

use super::{GOAL_TOKENS, Text};
use fuente_contract::sentences::sentences;
use fuente_extract::{BlockKind, Extracted};

/// A piece of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom {
    pub(super) char_start: u32,
    pub(super) char_end: u32,
    pub(super) tokens: usize,
    /// The level, where it is a heading.
    pub(super) heading: Option<u8>,
    /// Opens a block: a better place to cut than between two sentences.
    pub(super) opens: bool,
}

/// The atoms of all blocks, in order.
pub(super) fn cut(extracted: &Extracted, text: &Text<'_>, count: &dyn Fn(&str) -> usize) -> Vec<Atom> {
    let mut atoms = Vec::new();
    for block in &extracted.blocks {
        let whole = text.slice(block.char_start, block.char_end);
        if let BlockKind::Heading(level) = block.kind {
            let tokens = count(whole);
            atoms.push(Atom {
                char_start: block.char_start,
                char_end: block.char_end,
                tokens,
                heading: Some(level),
                opens: true,
            });
            continue;
        }
        let from = atoms.len();
        // Sentences are byte ranges of the block; the walk keeps both counts in step.
        let (mut byte, mut char) = (0, block.char_start);
        for range in sentences(whole) {
            let start = char + chars(&whole[byte..range.start]);
            let end = start + chars(&whole[range.clone()]);
            (byte, char) = (range.end, end);
            split_long(start, end, text, count, &mut atoms);
        }
        if let Some(first) = atoms.get_mut(from) {
            first.opens = true;
        }
    }
    atoms
}

/// A sentence or row that alone would fill a passage is halved at a word, as often as needed.
fn split_long(start: u32, end: u32, text: &Text<'_>, count: &dyn Fn(&str) -> usize, atoms: &mut Vec<Atom>) {
    let slice = text.slice(start, end);
    let tokens = count(slice);
    if tokens <= GOAL_TOKENS || end - start < 2 {
        atoms.push(Atom { char_start: start, char_end: end, tokens, heading: None, opens: false });
        return;
    }
    let (left_end, right_start) = middle(slice);
    split_long(start, start + left_end, text, count, atoms);
    split_long(start + right_start, end, text, count, atoms);
}

/// Where the left half ends and where the right one starts: around the white space nearest to the
/// middle, or between two characters where there is none near.
fn middle(slice: &str) -> (u32, u32) {
    let total = chars(slice);
    let half = total / 2;
    let spaces = slice.chars().zip(0_u32..).filter(|(c, at)| c.is_whitespace() && *at > 0 && *at + 1 < total);
    match spaces.map(|(_, at)| at).min_by_key(|at| at.abs_diff(half)) {
        Some(at) if at.abs_diff(half) < half / 2 => (at, at + 1),
        _ => (half, half),
    }
}

fn chars(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
