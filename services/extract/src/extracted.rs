//! What reading a document gives: the canonical text and where its parts are.

use fuente_contract::document::PageStart;
use serde::{Deserialize, Serialize};

/// The canonical text of one version. Offsets count characters (Unicode scalar values).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// NFC, "\n" line ends, paragraphs separated by a blank line.
    pub text: String,
    /// In order; the first starts at 0. A format without pages has one.
    pub pages: Vec<PageStart>,
    /// In order, without overlap; together they hold every word of the text.
    pub blocks: Vec<Block>,
    pub title: Option<String>,
    pub mime: String,
    /// What a person should know about the result, in sentences.
    pub warnings: Vec<String>,
}

/// One block of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub kind: BlockKind,
    pub char_start: u32,
    pub char_end: u32,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// 1 is the highest of six levels.
    Heading(u8),
    Paragraph,
    /// With its marker ("- " or "3. ").
    ListItem,
    /// Cells joined by " | "; the header row comes first. A line end alone stands between the rows of
    /// one table, a blank line before the next table.
    TableRow,
    Code,
}

impl Extracted {
    /// Checks every promise made above: the parent does not trust what a child says.
    ///
    /// # Errors
    /// Names the first promise that does not hold.
    pub fn check(&self) -> Result<(), &'static str> {
        let length = self.text.chars().count() as u64;
        if self.pages.first().is_none_or(|page| page.char_start != 0) {
            return Err("the first page does not start the text");
        }
        let ordered = |a: &PageStart, b: &PageStart| a.page < b.page && a.char_start <= b.char_start;
        if !self.pages.is_sorted_by(ordered) || self.pages.iter().any(|page| u64::from(page.char_start) > length) {
            return Err("pages are out of order or out of bounds");
        }
        let named = |page: &PageStart| page.label.as_ref().is_none_or(|label| !label.contains(char::is_control));
        if !self.pages.iter().all(named) {
            return Err("a page's name is no line of text");
        }
        let mut from = 0;
        for block in &self.blocks {
            if block.char_start < from || block.char_end <= block.char_start || u64::from(block.char_end) > length {
                return Err("blocks are out of order or out of bounds");
            }
            from = block.char_end;
        }
        if self.text.contains('\r') { Err("a line ends with a carriage return") } else { Ok(()) }
    }
}
