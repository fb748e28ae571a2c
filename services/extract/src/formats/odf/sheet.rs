//! The sheets of an ODS file, row by row while the part unpacks.

use super::super::archive::Stream;
use super::super::grid::Grid;
use super::super::xml::{Element, Token, Xml};
use super::cells::Cell;
use super::styles::Styles;
use crate::ExtractError;
use crate::canonical::Canonical;
use std::collections::BTreeMap;

const MAX_COLUMNS: u32 = 16_384;
/// A filled cell or row that stands there more often than this only fills the sheet.
const MAX_REPEAT: u32 = 1_000;
/// A merged cell with more text than this says it once.
const MAX_REPEATED_TEXT: usize = 2_000;

pub(super) fn write(part: Stream<'_, '_>, styles: &Styles, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut book = Book {
        styles,
        most: canonical.limits().max_text_chars,
        grid: Grid::new(canonical),
        number: 0,
        sheet: None,
        row: 0,
        row_repeat: 1,
        column: 0,
        cells: Vec::new(),
        own: false,
        chars: 0,
        cell: None,
        in_text: 0,
        hidden: Vec::new(),
        skipping: 0,
    };
    let mut xml = Xml::streamed(part);
    loop {
        match xml.next()? {
            Token::Open(_) if book.skipping > 0 => book.skipping += 1,
            Token::Open(element) => book.open(&element)?,
            Token::Close(_) if book.skipping > 0 => book.skipping -= 1,
            Token::Close(name) => book.close(&name)?,
            Token::Text(text) => book.text(&text),
            Token::End => break,
        }
    }
    if !book.hidden.is_empty() {
        let names = book.hidden.join(", ");
        book.grid.canonical().warn(format!("Hidden sheets are part of the text: {names}."));
    }
    Ok(())
}

struct Sheet {
    name: String,
    hidden: bool,
    any: bool,
    /// Merged cells that reach into the rows to come: column → rows left and text.
    reaching: BTreeMap<u32, (u64, String)>,
}

struct Book<'b, 'l> {
    styles: &'b Styles,
    most: usize,
    grid: Grid<'b, 'l>,
    number: u32,
    sheet: Option<Sheet>,
    row: u64,
    row_repeat: u64,
    column: u32,
    cells: Vec<(u32, String)>,
    /// The open row holds more than what reaches into it.
    own: bool,
    /// Characters in the open row.
    chars: usize,
    cell: Option<Cell>,
    /// Depth inside a paragraph of a cell.
    in_text: usize,
    hidden: Vec<String>,
    skipping: usize,
}

impl Book<'_, '_> {
    fn open(&mut self, element: &Element<'_>) -> Result<(), ExtractError> {
        match element.name() {
            "annotation" | "tracked-changes" | "forms" | "shapes" | "styles" | "automatic-styles" | "scripts"
            | "object" | "desc" => self.skipping = 1,
            "table" if self.sheet.is_none() => self.open_sheet(element)?,
            // A copy of cells of another file.
            "table-source" => self.sheet = None,
            "table-row" if self.sheet.is_some() => {
                self.row = self.row.saturating_add(1);
                self.row_repeat = element.number("number-rows-repeated").unwrap_or(1).max(1);
                self.column = 0;
                if element.attr("visibility").is_some_and(|seen| seen != "visible")
                    && let Some(sheet) = self.sheet.as_ref().filter(|_| self.row_repeat < u64::from(MAX_REPEAT))
                {
                    let name = sheet.name.clone();
                    self.grid.canonical().warn(format!("Hidden rows of the sheet \"{name}\" are part of the text."));
                }
            }
            "table-cell" | "covered-table-cell" if self.sheet.is_some() => self.cell = Some(Cell::open(element)),
            name => {
                let Some(cell) = self.cell.as_mut() else { return Ok(()) };
                match name {
                    "p" => {
                        self.in_text += 1;
                        cell.text.push_str(if cell.text.is_empty() { "" } else { "\n" });
                    }
                    "s" | "tab" => cell.text.push(' '),
                    "line-break" => cell.text.push('\n'),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn open_sheet(&mut self, element: &Element<'_>) -> Result<(), ExtractError> {
        let name = element.attr("name").unwrap_or_default();
        self.number += 1;
        self.grid.canonical().allow_page(self.number, "sheets")?;
        let style = element.attr("style-name").unwrap_or_default();
        let hidden = self.styles.get("table", &style).hidden == Some(true);
        self.row = 0;
        self.sheet = Some(Sheet { name, hidden, any: false, reaching: BTreeMap::new() });
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(cell) = self.cell.as_mut().filter(|_| self.in_text > 0 && self.skipping == 0) {
            cell.text.push_str(text);
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "p" => self.in_text = self.in_text.saturating_sub(1),
            "table-cell" | "covered-table-cell" => return self.close_cell(),
            "table-row" => return self.close_row(),
            "table" => {
                self.grid.end()?;
                if let Some(sheet) = self.sheet.take().filter(|sheet| sheet.any && sheet.hidden) {
                    self.hidden.push(format!("\"{}\"", sheet.name));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close_cell(&mut self) -> Result<(), ExtractError> {
        let (Some(cell), Some(sheet)) = (self.cell.take(), self.sheet.as_mut()) else { return Ok(()) };
        let (repeat, rows, covered) = (cell.repeat, cell.rows_spanned, cell.covered);
        let text = cell.shown();
        let from = self.column;
        self.column = self.column.saturating_add(repeat);
        let empty = text.trim().is_empty();
        if empty && !covered {
            return Ok(());
        }
        for column in (from..MAX_COLUMNS.min(self.column)).take(MAX_REPEAT as usize) {
            // What a merged cell covers shows nothing of its own.
            let shown = match sheet.reaching.get(&column).filter(|_| covered) {
                Some((_, above)) => above.clone(),
                None if covered || empty => continue,
                None => {
                    self.own = true;
                    text.clone()
                }
            };
            self.chars += shown.len();
            if self.chars > self.most.saturating_mul(4) {
                return Err(ExtractError::TooLarge(format!("its text is longer than {} characters", self.most)));
            }
            if rows > 1 && text.len() <= MAX_REPEATED_TEXT {
                sheet.reaching.insert(column, (rows, text.clone()));
            }
            self.cells.push((column, shown));
        }
        Ok(())
    }

    fn close_row(&mut self) -> Result<(), ExtractError> {
        let Some(sheet) = self.sheet.as_mut() else { return Ok(()) };
        self.chars = 0;
        let passed = self.row_repeat;
        sheet.reaching.retain(|_, (left, _)| {
            *left = left.saturating_sub(passed);
            *left > 0
        });
        let cells = std::mem::take(&mut self.cells);
        if !std::mem::take(&mut self.own) {
            self.row = self.row.saturating_add(passed - 1);
            return Ok(());
        }
        if !std::mem::replace(&mut sheet.any, true) {
            let canonical = self.grid.canonical();
            canonical.page(self.number);
            canonical.label(&sheet.name);
            canonical.heading(1, &sheet.name)?;
        }
        for _ in 1..passed.min(u64::from(MAX_REPEAT)) {
            self.grid.row(self.row, cells.clone())?;
            self.row = self.row.saturating_add(1);
        }
        self.grid.row(self.row, cells)?;
        self.row = self.row.saturating_add(passed.saturating_sub(u64::from(MAX_REPEAT)));
        Ok(())
    }
}
