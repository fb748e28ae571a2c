//! The walk over a document part: runs fill paragraphs, paragraphs become blocks or table cells.

use super::numbering::Numbering;
use super::styles::{self, Style, Styles};
use crate::ExtractError;
use crate::canonical::Canonical;
use crate::formats::xml::{Element, Token, Xml};

/// A paragraph in bold that is no longer than this, and no sentence, is a heading by hand.
const MAX_BOLD_HEADING: usize = 100;

/// Writes the blocks of one part (the document, or its notes).
pub(super) fn write(
    part: &[u8],
    styles: &Styles,
    numbering: &mut Numbering,
    canonical: &mut Canonical<'_>,
) -> Result<(), ExtractError> {
    let mut body = Body {
        styles,
        numbering,
        canonical,
        paragraphs: Vec::new(),
        tables: Vec::new(),
        run: Run::default(),
        skipping: 0,
    };
    let mut xml = Xml::new(part);
    loop {
        match xml.next()? {
            Token::Open(_) if body.skipping > 0 => body.skipping += 1,
            Token::Open(element) => body.open(&element)?,
            Token::Close(_) if body.skipping > 0 => body.skipping -= 1,
            Token::Close(name) => body.close(&name)?,
            Token::Text(text) => body.text(&text),
            Token::End => return Ok(()),
        }
    }
}

#[derive(Default)]
struct Paragraph {
    text: String,
    style: Option<String>,
    list: Option<String>,
    level: Option<u8>,
    outline: Option<u8>,
    /// Inside `pPr`: what stands there describes the paragraph.
    describing: bool,
    letters: usize,
    bold_letters: usize,
}

#[derive(Default)]
struct Run {
    hidden: bool,
    struck: bool,
    bold: bool,
    in_text: bool,
}

#[derive(Default)]
struct Table {
    rows: usize,
    deleted: bool,
    /// Cells of the open row by grid column.
    cells: Vec<(usize, String)>,
    above: Vec<(usize, String)>,
    column: usize,
    span: usize,
    /// The open cell continues the one above it.
    continued: bool,
    cell: String,
}

struct Body<'b, 'l> {
    styles: &'b Styles,
    numbering: &'b mut Numbering,
    canonical: &'b mut Canonical<'l>,
    /// A text box puts paragraphs inside a paragraph.
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    run: Run,
    /// Depth inside an element that is no part of the text.
    skipping: usize,
}

impl Body<'_, '_> {
    fn open(&mut self, element: &Element<'_>) -> Result<(), ExtractError> {
        let value = || element.attr("val");
        match element.name() {
            // The second form of the same drawing, deleted and moved text, separators of notes.
            name if name.ends_with("PrChange") => self.skipping = 1,
            "Fallback" | "moveFrom" | "delText" | "instrText" | "delInstrText" => self.skipping = 1,
            "del" => self.deleted(),
            "footnote" | "endnote" if element.attr("type").is_some_and(|kind| kind != "normal") => self.skipping = 1,
            "p" => self.paragraphs.push(Paragraph::default()),
            "tbl" => self.open_table()?,
            "tr" => self.open_row(),
            "tc" => self.open_cell(),
            "r" => self.run = Run::default(),
            "t" => self.run.in_text = true,
            "gridSpan" => self.with_table(|table| table.span = value().and_then(|span| span.parse().ok()).unwrap_or(1)),
            "vMerge" => self.with_table(|table| table.continued = value().is_none_or(|kind| kind == "continue")),
            name => self.describe(name, element),
        }
        Ok(())
    }

    /// Properties of the open paragraph or run, and the signs that stand for characters.
    fn describe(&mut self, name: &str, element: &Element<'_>) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        let value = || element.attr("val");
        match (name, paragraph.describing) {
            ("pPr", _) => paragraph.describing = true,
            ("pStyle", true) => paragraph.style = value(),
            ("numId", true) => paragraph.list = value(),
            ("ilvl", true) => paragraph.level = value().and_then(|level| level.parse().ok()),
            ("outlineLvl", true) => paragraph.outline = styles::outline(value().as_deref()),
            (_, true) => {}
            ("vanish" | "webHidden", false) => self.run.hidden |= element.is_on(),
            ("strike" | "dstrike", false) => self.run.struck |= element.is_on(),
            ("b", false) => self.run.bold = element.is_on(),
            ("tab" | "ptab", false) => paragraph.text.push(' '),
            ("noBreakHyphen", false) => paragraph.text.push('-'),
            ("br", false) if element.attr("type").is_some_and(|kind| kind != "textWrapping") => {
                paragraph.text.push(' ')
            }
            ("br" | "cr", false) => paragraph.text.push('\n'),
            _ => {}
        }
    }

    /// Deleted text goes; inside the properties of a row the sign deletes the row.
    fn deleted(&mut self) {
        if self.paragraphs.is_empty() {
            self.with_table(|table| table.deleted = true);
        }
        self.skipping = 1;
    }

    fn text(&mut self, text: &str) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        if !self.run.in_text || self.skipping > 0 || self.run.hidden {
            return;
        }
        if self.run.struck {
            self.canonical.warn("Struck-through text was left out.");
            return;
        }
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        paragraph.letters += letters;
        paragraph.bold_letters += if self.run.bold { letters } else { 0 };
        paragraph.text.push_str(text);
    }

    fn close(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "t" => self.run.in_text = false,
            "pPr" => self.paragraphs.last_mut().into_iter().for_each(|paragraph| paragraph.describing = false),
            "p" => return self.close_paragraph(),
            "tc" => self.with_table(Table::close_cell),
            "tr" => return self.close_row(),
            "tbl" => self.close_table(),
            _ => {}
        }
        Ok(())
    }

    fn close_paragraph(&mut self) -> Result<(), ExtractError> {
        let Some(paragraph) = self.paragraphs.pop() else { return Ok(()) };
        let style = paragraph.style.as_deref().map(|id| self.styles.get(id)).unwrap_or_default();
        if style.is_contents || style.is_hidden || paragraph.text.trim().is_empty() {
            return Ok(());
        }
        if let Some(table) = self.tables.last_mut() {
            table.cell.push('\n');
            table.cell.push_str(&paragraph.text);
            return Ok(());
        }
        self.write_block(&paragraph, &style)
    }

    fn write_block(&mut self, paragraph: &Paragraph, style: &Style) -> Result<(), ExtractError> {
        if style.is_title {
            self.canonical.title(&paragraph.text);
            return self.canonical.heading(1, &paragraph.text);
        }
        if let Some(level) = paragraph.outline.or(style.heading) {
            return self.canonical.heading(level, &paragraph.text);
        }
        let inherited = style.list.as_ref();
        let list = paragraph.list.as_deref().or(inherited.map(|(list, _)| list.as_str()));
        let level = paragraph.level.or(inherited.map(|(_, level)| *level)).unwrap_or(0);
        if let Some(marker) = list.and_then(|list| self.numbering.next(list, level)) {
            return self.canonical.item(&marker, &paragraph.text);
        }
        if paragraph.is_bold_heading() {
            self.canonical.heading(6, &paragraph.text)
        } else {
            self.canonical.paragraph(&paragraph.text)
        }
    }

    fn with_table(&mut self, change: impl FnOnce(&mut Table)) {
        if let Some(table) = self.tables.last_mut() {
            change(table);
        }
    }

    fn open_table(&mut self) -> Result<(), ExtractError> {
        self.canonical.break_group();
        self.tables.push(Table::default());
        Ok(())
    }

    fn open_row(&mut self) {
        self.with_table(|table| {
            table.deleted = false;
            table.column = 0;
            table.cells.clear();
        });
    }

    fn open_cell(&mut self) {
        self.with_table(|table| {
            table.span = 1;
            table.continued = false;
            table.cell.clear();
        });
    }

    fn close_row(&mut self) -> Result<(), ExtractError> {
        let nested = self.tables.len() > 1;
        let Some(table) = self.tables.last_mut() else { return Ok(()) };
        let row = std::mem::take(&mut table.cells);
        let cells: Vec<String> = row.iter().map(|(_, text)| text.clone()).collect();
        table.above = row;
        if table.deleted {
            return Ok(());
        }
        table.rows += 1;
        let first = table.rows == 1;
        if nested {
            // A table inside a cell becomes a part of that cell's text.
            let at = self.tables.len() - 2;
            self.tables[at].cell.push_str(&format!("\n{}", cells.join(" ")));
            return Ok(());
        }
        match cells.as_slice() {
            // A table of one cell is a box around a paragraph.
            [only] => self.canonical.paragraph(only),
            _ => self.canonical.row(&cells, first),
        }
    }

    fn close_table(&mut self) {
        self.tables.pop();
        self.canonical.break_group();
    }
}

impl Table {
    /// A cell merged with the one above repeats its text, so that a row can be read alone.
    fn close_cell(&mut self) {
        let mut text = std::mem::take(&mut self.cell);
        if self.continued && text.trim().is_empty() {
            let above = self.above.iter().find(|(column, _)| *column == self.column);
            text = above.map(|(_, text)| text.clone()).unwrap_or_default();
        }
        self.cells.push((self.column, text));
        self.column += self.span.clamp(1, 1_000);
    }
}

impl Paragraph {
    fn is_bold_heading(&self) -> bool {
        let text = self.text.trim();
        self.letters > 0
            && self.bold_letters == self.letters
            && text.chars().count() <= MAX_BOLD_HEADING
            && !text.ends_with(['.', ':', ';', ',', '!', '?'])
            && !text.contains('\n')
    }
}
