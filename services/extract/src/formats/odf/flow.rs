//! The walk over a text or a set of slides: paragraphs become blocks, cells or notes.

use super::super::untitled;
use super::super::xml::{Element, Token, Xml};
use super::styles::{LEVELS, Styles};
use super::table::Table;
use crate::ExtractError;
use crate::canonical::Canonical;
use std::collections::HashMap;

/// Spaces that one element stands for.
const MAX_SPACES: usize = 100;

/// Writes the blocks of a content part.
pub(super) fn write(part: &[u8], styles: &Styles, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut flow = Flow {
        styles,
        canonical,
        in_body: false,
        paragraphs: Vec::new(),
        spans: Vec::new(),
        sinks: Vec::new(),
        tables: Vec::new(),
        lists: Vec::new(),
        reached: HashMap::new(),
        notes: Vec::new(),
        slide: 0,
        class: None,
        in_notes: false,
        untitled: false,
        hidden: Vec::new(),
        skipping: 0,
    };
    let mut xml = Xml::new(part);
    loop {
        match xml.next()? {
            Token::Open(_) if flow.skipping > 0 => flow.skipping += 1,
            Token::Open(element) => flow.open(&element)?,
            Token::Close(_) if flow.skipping > 0 => flow.skipping -= 1,
            Token::Close(name) => flow.close(&name)?,
            Token::Text(text) => flow.text(&text),
            Token::End => return flow.end(),
        }
    }
}

struct Paragraph {
    text: String,
    /// The outline level of a heading.
    heading: Option<u8>,
    style: Option<String>,
}

/// Where finished paragraphs go; the innermost decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sink {
    Cell,
    Note,
}

struct List {
    style: String,
    counts: Vec<u32>,
    /// The marker of the item whose first text has not come yet.
    marker: Option<String>,
}

struct Flow<'f, 'l> {
    styles: &'f Styles,
    canonical: &'f mut Canonical<'l>,
    in_body: bool,
    /// A text box puts paragraphs inside a paragraph.
    paragraphs: Vec<Paragraph>,
    /// For each open span, whether its text is left out.
    spans: Vec<bool>,
    sinks: Vec<Sink>,
    tables: Vec<Table>,
    lists: Vec<List>,
    /// How far lists that go on later have counted.
    reached: HashMap<String, Vec<u32>>,
    /// Footnotes and endnotes; they stand at the end.
    notes: Vec<String>,
    slide: u32,
    /// What the open frame of a slide is for.
    class: Option<String>,
    in_notes: bool,
    /// The open slide has neither a title nor any text yet.
    untitled: bool,
    hidden: Vec<String>,
    skipping: usize,
}

impl Flow<'_, '_> {
    fn open(&mut self, element: &Element<'_>) -> Result<(), ExtractError> {
        match element.name() {
            "body" => self.in_body = true,
            // What is no text of the document: comments, changes, generated indexes, drawings' scripts.
            "annotation" | "tracked-changes" | "table-of-content" | "alphabetical-index" | "illustration-index"
            | "table-index" | "object-index" | "user-index" | "bibliography" | "forms" | "note-citation"
            | "ruby-text" | "header" | "footer" | "date-time" | "desc" | "binary-data" | "event-listeners"
            | "variable-decls" | "sequence-decls" | "hidden-text" | "thumbnail" | "page-thumbnail" => self.skipping = 1,
            "title" if self.in_body => self.skipping = 1,
            _ if !self.in_body => {}
            "page" => self.open_slide(element)?,
            "notes" => {
                self.in_notes = true;
                self.canonical.break_group();
            }
            "frame" => self.class = element.attr("class"),
            "h" | "p" => self.paragraphs.push(Paragraph {
                text: String::new(),
                heading: (element.name() == "h").then(|| element.number("outline-level").unwrap_or(1)),
                style: element.attr("style-name"),
            }),
            "span" => self.open_span(element),
            "list" => self.open_list(element),
            "list-item" => self.open_item(element),
            "note-body" => {
                self.sinks.push(Sink::Note);
                self.notes.push(String::new());
            }
            "table" => {
                self.canonical.break_group();
                self.tables.push(Table::default());
            }
            "table-cell" | "covered-table-cell" => {
                self.sinks.push(Sink::Cell);
                self.tables.iter_mut().last().into_iter().for_each(|table| table.open_cell(element));
            }
            name => self.sign(name, element),
        }
        Ok(())
    }

    /// Elements that stand for characters.
    fn sign(&mut self, name: &str, element: &Element<'_>) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        match name {
            "s" => {
                let count = element.number("c").unwrap_or(1).clamp(1, MAX_SPACES);
                paragraph.text.extend(std::iter::repeat_n(' ', count));
            }
            "tab" => paragraph.text.push(' '),
            "line-break" => paragraph.text.push('\n'),
            _ => {}
        }
    }

    fn open_slide(&mut self, element: &Element<'_>) -> Result<(), ExtractError> {
        self.slide += 1;
        self.canonical.allow_page(self.slide, "slides")?;
        self.canonical.page(self.slide);
        self.canonical.break_group();
        self.class = None;
        self.untitled = true;
        let style = element.attr("style-name").unwrap_or_default();
        if self.styles.get("drawing-page", &style).hidden == Some(true) {
            self.hidden.push(self.slide.to_string());
        }
        Ok(())
    }

    fn open_span(&mut self, element: &Element<'_>) {
        let style = self.styles.get("text", &element.attr("style-name").unwrap_or_default());
        if style.struck == Some(true) {
            self.canonical.warn("Struck-through text was left out.");
        }
        self.spans.push(style.hidden == Some(true) || style.struck == Some(true));
    }

    fn open_list(&mut self, element: &Element<'_>) {
        if self.lists.is_empty() {
            self.canonical.break_group();
        }
        let level = self.lists.len().min(LEVELS - 1);
        let above = self.lists.last();
        let style = element.attr("style-name").or_else(|| above.map(|list| list.style.clone())).unwrap_or_default();
        let mut counts = above.map_or_else(|| vec![0; LEVELS], |list| list.counts.clone());
        let goes_on = element.attr("continue-numbering").is_some_and(|on| on == "true")
            || element.attr("continue-list").is_some();
        counts[level] = self.styles.start(&style, level).saturating_sub(1);
        if let Some(reached) = self.reached.get(&style).filter(|_| goes_on) {
            counts[level] = reached[level];
        }
        self.lists.push(List { style, counts, marker: None });
    }

    fn open_item(&mut self, element: &Element<'_>) {
        let level = self.lists.len().saturating_sub(1).min(LEVELS - 1);
        let Some(list) = self.lists.last_mut() else { return };
        list.counts[level] = element.number("start-value").unwrap_or(list.counts[level].saturating_add(1));
        list.marker = Some(self.styles.marker(&list.style, level, &list.counts));
    }

    fn text(&mut self, text: &str) {
        if self.skipping > 0 || !self.in_body || self.spans.contains(&true) {
            return;
        }
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        // Line ends of the source are spaces of the text.
        paragraph.text.extend(text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }));
    }

    fn close(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "body" => self.in_body = false,
            _ if !self.in_body => {}
            "h" | "p" => return self.close_paragraph(),
            "span" => drop(self.spans.pop()),
            "list" => {
                if let Some(list) = self.lists.pop() {
                    self.reached.insert(list.style, list.counts);
                }
                if self.lists.is_empty() {
                    self.canonical.break_group();
                }
            }
            "note-body" => drop(self.sinks.pop()),
            "frame" => self.class = None,
            "notes" => self.in_notes = false,
            "table-cell" | "covered-table-cell" => {
                self.sinks.pop();
                self.tables.iter_mut().last().into_iter().for_each(Table::close_cell);
            }
            "table-row" => return self.close_row(),
            "table" => {
                self.tables.pop();
                self.canonical.break_group();
            }
            _ => {}
        }
        Ok(())
    }

    fn close_paragraph(&mut self) -> Result<(), ExtractError> {
        let Some(paragraph) = self.paragraphs.pop() else { return Ok(()) };
        let style = self.styles.get("paragraph", paragraph.style.as_deref().unwrap_or_default());
        if paragraph.text.trim().is_empty() || style.hidden == Some(true) {
            return Ok(());
        }
        if style.struck == Some(true) {
            self.canonical.warn("Struck-through text was left out.");
            return Ok(());
        }
        match self.sinks.last() {
            Some(Sink::Note) => {
                self.notes.iter_mut().last().into_iter().for_each(|note| {
                    note.push('\n');
                    note.push_str(&paragraph.text);
                });
                Ok(())
            }
            Some(Sink::Cell) => {
                self.tables.iter_mut().last().into_iter().for_each(|table| table.text(&paragraph.text));
                Ok(())
            }
            None => self.write_block(&paragraph, style.is_title),
        }
    }

    fn write_block(&mut self, paragraph: &Paragraph, is_title: bool) -> Result<(), ExtractError> {
        let text = &paragraph.text;
        let untitled = std::mem::take(&mut self.untitled);
        match self.class.as_deref() {
            Some("title") if self.slide > 0 && !self.in_notes => {
                self.canonical.label(text);
                return self.canonical.heading(2, text);
            }
            Some("page-number" | "header" | "footer" | "date-time") => return Ok(()),
            _ => {}
        }
        if self.in_notes {
            self.canonical.warn("The notes to the slides are part of the text.");
            return self.canonical.paragraph(text);
        }
        if untitled {
            let plain = self.lists.is_empty() && paragraph.heading.is_none();
            if untitled::begin(self.slide, if plain { text } else { "" }, self.canonical)? {
                return Ok(());
            }
        }
        if is_title {
            self.canonical.title(text);
            return self.canonical.heading(1, text);
        }
        if let Some(level) = paragraph.heading {
            return self.canonical.heading(level, text);
        }
        let level = self.lists.len().saturating_sub(1);
        match self.lists.last_mut().and_then(|list| list.marker.take()) {
            Some(marker) => self.canonical.item_at(level, &marker, text),
            None => self.canonical.paragraph(text),
        }
    }

    fn close_row(&mut self) -> Result<(), ExtractError> {
        let nested = self.tables.len() > 1;
        if std::mem::take(&mut self.untitled) {
            untitled::begin(self.slide, "", self.canonical)?;
        }
        let Some(table) = self.tables.last_mut() else { return Ok(()) };
        let (cells, first) = table.close_row();
        if nested {
            // A table inside a cell becomes a part of that cell's text.
            let at = self.tables.len() - 2;
            self.tables[at].text(&cells.join(" "));
            return Ok(());
        }
        match cells.as_slice() {
            [] => Ok(()),
            // A row of one cell at the head of a table is a box around a paragraph, or its title.
            [only] if first => self.canonical.paragraph(only),
            _ => self.canonical.row(&cells, first),
        }
    }

    fn end(self) -> Result<(), ExtractError> {
        self.canonical.break_group();
        for note in &self.notes {
            self.canonical.paragraph(note)?;
        }
        if !self.hidden.is_empty() {
            self.canonical.warn(format!("Hidden slides are part of the text: {}.", self.hidden.join(", ")));
        }
        Ok(())
    }
}
