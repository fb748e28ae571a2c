//! What an RTF file says, gathered into blocks.

use super::header::Styles;
use super::state::Paragraph;
use super::table::Table;
use crate::ExtractError;
use crate::canonical::Canonical;

/// A longer marker of a list item is no marker.
const MAX_MARKER: usize = 20;

pub(super) struct Writer<'w, 'l> {
    canonical: &'w mut Canonical<'l>,
    pub(super) table: Table,
    pub(super) title: String,
    /// The marker of the paragraph to come.
    pub(super) marker: String,
    text: String,
    note: String,
    notes: Vec<String>,
}

impl<'w, 'l> Writer<'w, 'l> {
    pub(super) fn new(canonical: &'w mut Canonical<'l>) -> Self {
        Self {
            canonical,
            table: Table::default(),
            title: String::new(),
            marker: String::new(),
            text: String::new(),
            note: String::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, text: &str, in_note: bool) {
        if in_note { self.note.push_str(text) } else { self.text.push_str(text) }
    }

    pub(super) fn struck(&mut self) {
        self.canonical.warn("Struck-through text was left out.");
    }

    pub(super) fn close_note(&mut self) {
        let note = std::mem::take(&mut self.note);
        if !note.trim().is_empty() {
            self.notes.push(note);
        }
    }

    pub(super) fn cell(&mut self) {
        self.marker.clear();
        self.table.cell(std::mem::take(&mut self.text));
    }

    pub(super) fn row(&mut self) -> Result<(), ExtractError> {
        let (cells, first) = self.table.row();
        match cells.as_slice() {
            // A table of one cell is a box around a paragraph.
            [only] => self.canonical.paragraph(only),
            _ => self.canonical.row(&cells, first),
        }
    }

    /// The end of a paragraph; in a table, of a line of its cell.
    pub(super) fn paragraph(&mut self, paragraph: &Paragraph, styles: &Styles) -> Result<(), ExtractError> {
        if paragraph.in_table {
            self.text.push('\n');
            self.marker.clear();
            return Ok(());
        }
        self.table.end();
        let text = std::mem::take(&mut self.text);
        let marker = std::mem::take(&mut self.marker);
        if text.trim().is_empty() {
            self.canonical.break_group();
            return Ok(());
        }
        let style = styles.get(paragraph.style);
        if style.is_contents {
            return Ok(());
        }
        if style.is_title {
            self.canonical.title(&text);
            return self.canonical.heading(1, &text);
        }
        if let Some(level) = paragraph.outline.or(style.heading) {
            return self.canonical.heading(level, &text);
        }
        match marker.trim() {
            "" => self.canonical.paragraph(&text),
            marker => {
                let counts = marker.chars().any(char::is_alphanumeric) && marker.chars().count() <= MAX_MARKER;
                self.canonical.item_at(paragraph.level, if counts { marker } else { "-" }, &text)
            }
        }
    }

    /// The last paragraph, which need not end, and the notes.
    pub(super) fn end(mut self, styles: &Styles) -> Result<(), ExtractError> {
        let title = std::mem::take(&mut self.title);
        self.canonical.title(&title);
        self.paragraph(&Paragraph::default(), styles)?;
        self.canonical.break_group();
        for note in &self.notes {
            self.canonical.paragraph(note)?;
        }
        Ok(())
    }
}
