//! The one writer of canonical text: readers of formats hand it blocks, it keeps the promises of
//! [`Extracted`] (clean characters, blank lines between paragraphs, exact offsets, the size limit).

pub(crate) mod nested;

use crate::clean::{self, Removed, clean};
use crate::{Block, BlockKind, ExtractError, Extracted, Limits};
use fuente_contract::document::PageStart;

/// A heading longer than this is a paragraph that only looks like one.
const MAX_HEADING: usize = 300;
/// The name of a slide or sheet is cut here: it stands beside page numbers.
const MAX_LABEL: usize = 200;
/// Spaces before an item of a list within a list, for each level; deeper levels move no further.
const INDENT: &[&str] = &["", "  ", "    ", "      "];
const MAX_WARNINGS: usize = 20;

/// A part of a block; a block that runs over a page end has several.
pub(crate) struct Part<'t> {
    /// The page that begins with this part.
    pub(crate) page: Option<u32>,
    pub(crate) text: &'t str,
}

/// Canonical text in the making.
pub(crate) struct Canonical<'l> {
    limits: &'l Limits,
    text: String,
    chars: usize,
    pages: Vec<PageStart>,
    /// Pages that begin where the next text will stand.
    opened: Vec<PageStart>,
    /// Pages before the nested document that is being read.
    page_base: u32,
    blocks: Vec<Block>,
    title: Option<String>,
    /// Headings are names of parts (sheets) and none of them names the whole.
    parts_only: bool,
    warnings: Vec<String>,
    /// Warnings for which there was no room.
    unsaid: usize,
    removed: Removed,
    /// Where the nested document that is being read begins.
    part_chars: usize,
    part_unreadable: u64,
    /// The next list item or table row does not belong to the one before.
    apart: bool,
    /// What stands before the next block, where it continues a list.
    indent: &'static str,
}

impl<'l> Canonical<'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            text: String::new(),
            chars: 0,
            pages: Vec::new(),
            opened: Vec::new(),
            page_base: 0,
            blocks: Vec::new(),
            title: None,
            parts_only: false,
            warnings: Vec::new(),
            unsaid: 0,
            removed: Removed::default(),
            part_chars: 0,
            part_unreadable: 0,
            apart: false,
            indent: "",
        }
    }

    pub(crate) fn limits(&self) -> &'l Limits {
        self.limits
    }

    /// What follows stands on page `number`, counted from 1.
    pub(crate) fn page(&mut self, number: u32) {
        self.open_page(number, None);
    }

    /// Like [`Canonical::page`], for a part that has a name.
    pub(crate) fn named_page(&mut self, number: u32, label: &str) {
        self.open_page(number, label_of(label));
    }

    /// Names the page begun last (a slide, a sheet, a chapter). The first page of a nested document keeps
    /// the name of that document.
    pub(crate) fn label(&mut self, raw: &str) {
        let nested = self.page_base > 0;
        if let Some(page) = self.opened.last_mut().or(self.pages.last_mut())
            && let Some(label) = label_of(raw)
            && !(nested && page.label.is_some())
        {
            page.label = Some(label);
        }
    }

    /// Refuses page `number` where a document may not have so many.
    pub(crate) fn allow_page(&self, number: u32, what: &str) -> Result<(), ExtractError> {
        if number <= self.limits.max_pages {
            return Ok(());
        }
        Err(ExtractError::TooLarge(format!("it has more than {} {what}", self.limits.max_pages)))
    }

    /// The first page of a nested document is open already, under the name of that document.
    fn open_page(&mut self, number: u32, label: Option<String>) {
        let page = self.page_base.saturating_add(number);
        if page > self.last_page() {
            self.opened.push(PageStart { page, char_start: 0, label });
        }
    }

    /// The number of the last page that was begun, 0 before the first.
    fn last_page(&self) -> u32 {
        self.opened.last().or(self.pages.last()).map_or(0, |page| page.page)
    }

    /// A heading of level 1 (highest) to 6.
    pub(crate) fn heading(&mut self, level: u8, text: &str) -> Result<(), ExtractError> {
        // Generated pages hang a link sign on every heading.
        let text = text.trim_end().trim_end_matches(['¶', '🔗']);
        let kind = if text.chars().count() > MAX_HEADING {
            BlockKind::Paragraph
        } else {
            BlockKind::Heading(level.clamp(1, 6))
        };
        self.block(kind, &[Part { page: None, text }])
    }

    pub(crate) fn paragraph(&mut self, text: &str) -> Result<(), ExtractError> {
        self.block(BlockKind::Paragraph, &[Part { page: None, text }])
    }

    /// A list item; `marker` is "-" or the number as the document shows it.
    pub(crate) fn item(&mut self, marker: &str, text: &str) -> Result<(), ExtractError> {
        self.item_at(0, marker, text)
    }

    /// A list item `level` lists deep (0 is the outermost). The indent stands between the blocks, so
    /// that no block begins with white space.
    pub(crate) fn item_at(&mut self, level: usize, marker: &str, text: &str) -> Result<(), ExtractError> {
        if !text.chars().any(|c| c.is_alphanumeric()) {
            return Ok(());
        }
        self.indent = INDENT[level.min(INDENT.len() - 1)];
        let written = self.block(BlockKind::ListItem, &[Part { page: None, text: &format!("{marker} {text}") }]);
        self.indent = "";
        written
    }

    /// A table row; `first` opens a new table.
    pub(crate) fn row(&mut self, cells: &[String], first: bool) -> Result<(), ExtractError> {
        self.apart |= first;
        let joined: Vec<String> = cells.iter().map(|cell| clean::one_line(cell)).collect();
        let row = joined.join(" | ");
        let row = row.trim_matches([' ', '|']);
        // First cells that are empty keep their bars, or the columns would shift.
        let lead = "| ".repeat(joined.iter().take_while(|cell| cell.is_empty()).count());
        self.block(BlockKind::TableRow, &[Part { page: None, text: &format!("{lead}{row}") }])
    }

    pub(crate) fn code(&mut self, text: &str) -> Result<(), ExtractError> {
        self.block(BlockKind::Code, &[Part { page: None, text }])
    }

    /// Ends a list or a table: the next one is not its continuation.
    pub(crate) fn break_group(&mut self) {
        self.apart = true;
    }

    /// Writes one block. Blocks without a letter or figure (rules, ornaments) are left out.
    pub(crate) fn block(&mut self, kind: BlockKind, parts: &[Part<'_>]) -> Result<(), ExtractError> {
        let mut start = None;
        for part in parts {
            let text = self.tidy(kind, part.text);
            part.page.into_iter().for_each(|page| self.page(page));
            let worth = start.is_some() || kind == BlockKind::Code || text.chars().any(char::is_alphanumeric);
            if text.is_empty() || !worth {
                continue;
            }
            match start {
                None => {
                    self.separate(kind);
                    start = Some(self.chars);
                }
                Some(_) => self.write(" "),
            }
            self.place_pages();
            self.write(&text);
            if self.chars > self.limits.max_text_chars {
                return Err(ExtractError::TooLarge(format!(
                    "its text is longer than {} characters",
                    self.limits.max_text_chars
                )));
            }
        }
        if let Some(start) = start {
            self.blocks.push(Block { kind, char_start: offset(start), char_end: offset(self.chars) });
            self.apart = false;
        }
        Ok(())
    }

    fn tidy(&mut self, kind: BlockKind, raw: &str) -> String {
        let text = clean(raw, &mut self.removed);
        match kind {
            BlockKind::Code => clean::code(&text),
            BlockKind::Paragraph | BlockKind::ListItem => clean::lines(&text),
            BlockKind::Heading(_) | BlockKind::TableRow => clean::one_line(&text),
        }
    }

    fn separate(&mut self, kind: BlockKind) {
        let grouped = matches!(kind, BlockKind::ListItem | BlockKind::TableRow)
            && self.blocks.last().is_some_and(|block| block.kind == kind)
            && !self.apart;
        if !self.blocks.is_empty() {
            self.write(if grouped { "\n" } else { "\n\n" });
            self.write(if grouped { self.indent } else { "" });
        }
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
        self.chars += text.chars().count();
    }

    fn place_pages(&mut self) {
        let char_start = offset(self.chars);
        let opened = std::mem::take(&mut self.opened);
        self.pages.extend(opened.into_iter().map(|page| PageStart { char_start, ..page }));
    }

    /// Proposes a title; the first usable one stays.
    pub(crate) fn title(&mut self, raw: &str) {
        let text = clean::one_line(&clean(raw, &mut Removed::default()));
        if self.title.is_none() && !text.is_empty() && text.chars().count() <= MAX_HEADING {
            self.title = Some(text);
        }
    }

    /// No heading of this document is its title: sheets are called "Sheet1".
    pub(crate) fn parts_only(&mut self) {
        self.parts_only = true;
    }

    pub(crate) fn warn(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if self.warnings.contains(&sentence) {
        } else if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(sentence);
        } else {
            self.unsaid += 1;
        }
    }

    /// How many blocks were written so far.
    pub(crate) fn blocks_so_far(&self) -> usize {
        self.blocks.len()
    }

    /// Whether anything was written so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The share of characters that could not be read, of all that were seen in this document.
    pub(crate) fn unreadable_share(&self) -> f64 {
        let unreadable = self.removed.unreadable.saturating_sub(self.part_unreadable) as f64;
        let read = self.chars.saturating_sub(self.part_chars) as f64;
        if unreadable == 0.0 { 0.0 } else { unreadable / (unreadable + read) }
    }

    /// The finished text; a document without a word is an error.
    pub(crate) fn finish(mut self, mime: &str) -> Result<Extracted, ExtractError> {
        if self.is_empty() {
            return Err(ExtractError::Empty);
        }
        self.place_pages();
        if self.pages.is_empty() {
            self.pages.push(PageStart { page: 1, char_start: 0, label: None });
        }
        let Removed { hidden, control, unreadable } = self.removed;
        for (count, what) in
            [(hidden, "invisible or direction-changing"), (control, "control"), (unreadable, "unreadable")]
        {
            if count > 0 {
                self.warn(format!("{count} {what} characters were removed."));
            }
        }
        if self.unsaid > 0 {
            self.warnings.push(format!("{} more warnings were left out.", self.unsaid));
        }
        if self.title.is_none() && !self.parts_only {
            self.title = self.first_heading();
        }
        Ok(Extracted {
            text: self.text,
            pages: self.pages,
            blocks: self.blocks,
            title: self.title,
            mime: mime.to_owned(),
            warnings: self.warnings,
        })
    }

    /// A heading among the first blocks names the document where nothing else does.
    fn first_heading(&self) -> Option<String> {
        let block = self.blocks.iter().take(5).find(|block| matches!(block.kind, BlockKind::Heading(_)))?;
        let length = (block.char_end - block.char_start) as usize;
        Some(self.text.chars().skip(block.char_start as usize).take(length).collect())
    }
}

/// A name as it can stand beside a page number; nothing where there is none.
fn label_of(raw: &str) -> Option<String> {
    let text = clean::one_line(&clean(raw, &mut Removed::default()));
    let text: String = text.chars().take(MAX_LABEL).collect();
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// `max_text_chars` is far below 2^32; a limit set higher still cannot wrap.
fn offset(chars: usize) -> u32 {
    u32::try_from(chars).unwrap_or(u32::MAX)
}
