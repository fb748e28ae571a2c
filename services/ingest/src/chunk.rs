//! Passages: cut along headings, then blocks, then sentences, by tokens of the embedding model.

use fuente_contract::sentences::sentences;
use fuente_extract::{BlockKind, Extracted};

/// Tokens from which a passage is full, and the most it may have.
const FULL: usize = 180;
const MOST: usize = 230;

/// A passage; `text` is the canonical text from `char_start` to `char_end`.
#[derive(Clone, Debug)]
pub struct Chunk {
    pub ordinal: u32,
    pub char_start: u32,
    pub char_end: u32,
    pub page_from: u32,
    pub page_to: u32,
    pub heading: Vec<String>,
    pub text: String,
    pub tokens: u32,
}

struct Piece {
    start: usize,
    end: usize,
    tokens: usize,
    heading: Vec<String>,
}

/// Cuts the text into passages.
pub fn chunk(extracted: &Extracted, count: &dyn Fn(&str) -> usize) -> Vec<Chunk> {
    let offsets: Vec<usize> = extracted.text.char_indices().map(|(at, _)| at).chain([extracted.text.len()]).collect();
    let slice = |start: usize, end: usize| &extracted.text[offsets[start]..offsets[end]];
    let mut heading: Vec<(u8, String)> = Vec::new();
    let mut pieces: Vec<Piece> = Vec::new();
    for block in &extracted.blocks {
        let (start, end) = (block.char_start as usize, block.char_end as usize);
        if let BlockKind::Heading(level) = block.kind {
            heading.retain(|(known, _)| *known < level);
            heading.push((level, slice(start, end).trim().to_owned()));
        }
        let path: Vec<String> = heading.iter().map(|(_, name)| name.clone()).collect();
        let text = slice(start, end);
        if count(text) <= MOST {
            pieces.push(Piece { start, end, tokens: count(text), heading: path });
            continue;
        }
        for range in sentences(text) {
            let from = start + text[..range.start].chars().count();
            let to = from + text[range.clone()].chars().count();
            pieces.push(Piece { start: from, end: to, tokens: count(&text[range]), heading: path.clone() });
        }
    }
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut open: Option<Piece> = None;
    let mut close = |piece: Piece| {
        let page = |at: usize| extracted.pages.iter().rev().find(|page| page.char_start as usize <= at).map_or(1, |page| page.page);
        let int = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        chunks.push(Chunk {
            ordinal: int(chunks.len()),
            char_start: int(piece.start),
            char_end: int(piece.end),
            page_from: page(piece.start),
            page_to: page(piece.end.saturating_sub(1)),
            heading: piece.heading,
            text: slice(piece.start, piece.end).to_owned(),
            tokens: int(piece.tokens),
        });
    };
    for piece in pieces {
        open = Some(match open.take() {
            None => piece,
            Some(current) => {
                let top = current.heading.first() == piece.heading.first();
                let full = current.tokens >= FULL || (current.heading != piece.heading && current.tokens >= 60);
                if top && !full && current.tokens + piece.tokens <= MOST {
                    Piece { start: current.start, end: piece.end, tokens: current.tokens + piece.tokens, heading: current.heading }
                } else {
                    close(current);
                    piece
                }
            }
        });
    }
    if let Some(last) = open {
        close(last);
    }
    chunks
}
