//! The shapes of one slide: text, tables, and what leads to charts and diagrams.

use super::super::numerals;
use super::super::xml::{Element, Token, Xml};
use crate::ExtractError;
use crate::canonical::Canonical;

/// Levels of a list; deeper ones do not exist in the format.
const LEVELS: usize = 9;

/// Cells of a row; the program itself draws 75.
const MAX_CELLS: usize = 1_000;

/// What stands on a slide, apart from its title.
#[derive(Debug)]
pub(super) enum Item {
    Paragraph(String),
    Bullet(usize, String, String),
    Row(Vec<String>, bool),
    /// Between two lists, or two tables.
    Break,
    /// The relation of a chart.
    Chart(String),
    /// The relation of a diagram's data.
    Diagram(String),
}

#[derive(Debug, Default)]
pub(super) struct Slide {
    pub(super) title: Option<String>,
    /// The title names the presentation, not one slide.
    pub(super) is_cover: bool,
    pub(super) hidden: bool,
    pub(super) items: Vec<Item>,
}

impl Slide {
    pub(super) fn read(part: &[u8], canonical: &mut Canonical<'_>) -> Result<Self, ExtractError> {
        let mut walk = Walk::default();
        walk.run(part)?;
        if walk.struck {
            canonical.warn("Struck-through text was left out.");
        }
        Ok(walk.slide)
    }
}

/// The paragraphs of the notes to a slide.
pub(super) fn notes(part: &[u8], canonical: &mut Canonical<'_>) -> Result<Vec<String>, ExtractError> {
    let slide = Slide::read(part, canonical)?;
    let texts = slide.items.into_iter().filter_map(|item| match item {
        Item::Paragraph(text) | Item::Bullet(_, _, text) => Some(text),
        _ => None,
    });
    Ok(texts.collect())
}

/// How a paragraph is marked.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Marker {
    /// As the placeholder has it.
    #[default]
    Inherited,
    None,
    Bullet,
    Number(String, u32),
}

#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    level: usize,
    marker: Marker,
}

/// A shape with text.
#[derive(Debug, Default)]
struct Shape {
    /// The kind of its placeholder; a free text box has none.
    placeholder: Option<String>,
    hidden: bool,
    paragraphs: Vec<Paragraph>,
}

#[derive(Debug, Default)]
struct Table {
    rows: usize,
    cells: Vec<String>,
    above: Vec<String>,
    cell: String,
    /// The cell continues the one above it.
    continued: bool,
}

#[derive(Default)]
struct Walk {
    slide: Slide,
    shape: Option<Shape>,
    table: Option<Table>,
    paragraph: Option<Paragraph>,
    in_text: bool,
    run_struck: bool,
    struck: bool,
    skipping: usize,
}

impl Walk {
    fn run(&mut self, part: &[u8]) -> Result<(), ExtractError> {
        let mut xml = Xml::new(part);
        loop {
            match xml.next()? {
                Token::Open(_) if self.skipping > 0 => self.skipping += 1,
                Token::Open(element) => self.open(&element),
                Token::Close(_) if self.skipping > 0 => self.skipping -= 1,
                Token::Close(name) => self.close(&name),
                Token::Text(text) => self.text(&text),
                Token::End => return Ok(()),
            }
        }
    }

    fn open(&mut self, element: &Element<'_>) {
        match element.name() {
            // The second form of the same shape, and what stands beside the slide.
            "Fallback" | "extLst" | "transition" | "timing" => self.skipping = 1,
            "sld" => {
                self.slide.hidden = element.attr("show").is_some_and(|show| matches!(show.as_str(), "0" | "false"))
            }
            "sp" => self.shape = Some(Shape::default()),
            "cNvPr" if element.attr("hidden").is_some_and(|hidden| matches!(hidden.as_str(), "1" | "true")) => {
                self.shape.iter_mut().for_each(|shape| shape.hidden = true);
            }
            "ph" => {
                let kind = element.attr("type").unwrap_or_else(|| "obj".to_owned());
                self.shape.iter_mut().for_each(|shape| shape.placeholder = Some(kind.clone()));
            }
            "tbl" => {
                self.slide.items.push(Item::Break);
                self.table = Some(Table::default());
            }
            "tc" => {
                let merged = element.attr("vMerge").is_some_and(|merged| matches!(merged.as_str(), "1" | "true"));
                self.table.iter_mut().for_each(|table| table.continued = merged);
            }
            "chart" => self.slide.items.extend(element.relation().map(Item::Chart)),
            "relIds" => self.slide.items.extend(element.attr("dm").map(Item::Diagram)),
            "p" => self.paragraph = Some(Paragraph::default()),
            "r" | "fld" => self.run_struck = false,
            "rPr" => self.run_struck = element.attr("strike").is_some_and(|strike| strike != "noStrike"),
            "t" => self.in_text = true,
            name => self.describe(name, element),
        }
    }

    fn describe(&mut self, name: &str, element: &Element<'_>) {
        let Some(paragraph) = self.paragraph.as_mut() else { return };
        match name {
            "pPr" => paragraph.level = element.number("lvl").unwrap_or(0).min(LEVELS - 1),
            "buNone" => paragraph.marker = Marker::None,
            "buChar" | "buBlip" => paragraph.marker = Marker::Bullet,
            "buAutoNum" => {
                let start = element.number("startAt").unwrap_or(1);
                paragraph.marker = Marker::Number(element.attr("type").unwrap_or_default(), start);
            }
            "br" => paragraph.text.push('\n'),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let Some(paragraph) = self.paragraph.as_mut() else { return };
        if !self.in_text {
            return;
        }
        if self.run_struck {
            self.struck = true;
        } else {
            paragraph.text.push_str(text);
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "p" => self.close_paragraph(),
            "tc" => self.table.iter_mut().for_each(Table::close_cell),
            "tr" => self.close_row(),
            "tbl" => {
                self.table = None;
                self.slide.items.push(Item::Break);
            }
            "sp" => self.close_shape(),
            _ => {}
        }
    }

    fn close_paragraph(&mut self) {
        let Some(paragraph) = self.paragraph.take() else { return };
        match (&mut self.table, &mut self.shape) {
            (Some(table), _) => {
                table.cell.push('\n');
                table.cell.push_str(&paragraph.text);
            }
            (None, Some(shape)) if !paragraph.text.trim().is_empty() => shape.paragraphs.push(paragraph),
            (None, _) => {}
        }
    }

    fn close_row(&mut self) {
        let Some(table) = self.table.as_mut() else { return };
        let cells = std::mem::take(&mut table.cells);
        table.above.clone_from(&cells);
        table.rows += 1;
        self.slide.items.push(Item::Row(cells, table.rows == 1));
    }

    fn close_shape(&mut self) {
        let Some(shape) = self.shape.take() else { return };
        let kind = shape.placeholder.as_deref();
        // Numbers, dates and footers of slides are their frame.
        if shape.hidden || matches!(kind, Some("sldNum" | "dt" | "ftr" | "hdr" | "sldImg")) {
            return;
        }
        if matches!(kind, Some("title" | "ctrTitle")) && self.slide.title.is_none() {
            let lines: Vec<&str> = shape.paragraphs.iter().map(|paragraph| paragraph.text.as_str()).collect();
            self.slide.is_cover = kind == Some("ctrTitle");
            self.slide.title = Some(lines.join(" ")).filter(|title| !title.is_empty());
            return;
        }
        // A placeholder for text has bullets unless it says otherwise; one paragraph alone is no list.
        let listed = matches!(kind, Some("obj" | "body")) && shape.paragraphs.len() > 1;
        let mut counters = [0_u32; LEVELS];
        self.slide.items.push(Item::Break);
        for paragraph in shape.paragraphs {
            let marker = match paragraph.marker {
                Marker::Inherited if listed => Marker::Bullet,
                Marker::Inherited => Marker::None,
                said => said,
            };
            counters[paragraph.level + 1..].fill(0);
            let numbered = matches!(marker, Marker::Number(..));
            counters[paragraph.level] = if numbered { counters[paragraph.level].saturating_add(1) } else { 0 };
            let (level, text) = (paragraph.level, paragraph.text);
            self.slide.items.push(match marker {
                Marker::Bullet => Item::Bullet(level, "-".to_owned(), text),
                Marker::Number(kind, start) => {
                    let count = start.saturating_add(counters[level] - 1);
                    Item::Bullet(level, number(&kind, count), text)
                }
                Marker::None | Marker::Inherited => Item::Paragraph(text),
            });
        }
    }
}

impl Table {
    /// A cell merged with the one above repeats its text, so that a row can be read alone.
    fn close_cell(&mut self) {
        let mut text = std::mem::take(&mut self.cell);
        if self.continued && text.trim().is_empty() {
            text = self.above.get(self.cells.len()).cloned().unwrap_or_default();
        }
        if self.cells.len() < MAX_CELLS {
            self.cells.push(text);
        }
    }
}

/// A number as the format names them: "arabicPeriod", "alphaLcParenR", "romanUcPeriod".
fn number(kind: &str, count: u32) -> String {
    let figure = match kind {
        _ if kind.starts_with("alphaLc") => numerals::letter(count).to_lowercase(),
        _ if kind.starts_with("alphaUc") => numerals::letter(count),
        _ if kind.starts_with("romanLc") => numerals::roman(count).to_lowercase(),
        _ if kind.starts_with("romanUc") => numerals::roman(count),
        _ => count.to_string(),
    };
    match kind {
        _ if kind.ends_with("ParenBoth") => format!("({figure})"),
        _ if kind.ends_with("ParenR") => format!("{figure})"),
        _ => format!("{figure}."),
    }
}
