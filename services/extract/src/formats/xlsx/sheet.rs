//! The cells of one sheet, row by row.

use super::super::archive::Stream;
use super::super::grid::Grid;
use super::super::xml::{Element, Token, Xml};
use super::Book;
use super::strings::unescape;
use crate::ExtractError;
use crate::canonical::Canonical;
use std::collections::BTreeMap;

/// The columns that a sheet has.
const MAX_COLUMNS: u32 = 16_384;
/// Merged areas that are looked at; more of them only lay the sheet out.
const MAX_MERGES: usize = 20_000;

/// A merged cell with more text than this says it once.
const MAX_REPEATED: usize = 2_000;

/// An area of cells shown as one, more than a row high.
#[derive(Debug)]
pub(super) struct Merge {
    first_row: u64,
    last_row: u64,
    column: u32,
}

/// The merged areas, in the order of their rows. The file tells of them after the cells.
pub(super) fn merges(part: Stream<'_, '_>) -> Result<Vec<Merge>, ExtractError> {
    let (mut xml, mut merges) = (Xml::streamed(part), Vec::new());
    loop {
        match xml.next()? {
            Token::Open(element) if element.name() == "mergeCell" && merges.len() < MAX_MERGES => {
                let area = element.attr("ref").unwrap_or_default();
                let Some((from, to)) = area.split_once(':') else { continue };
                let ((Some(column), Some(first_row)), (_, Some(last_row))) = (place(from), place(to)) else { continue };
                if last_row > first_row {
                    merges.push(Merge { first_row, last_row, column });
                }
            }
            Token::End => {
                merges.sort_by_key(|merge| merge.first_row);
                return Ok(merges);
            }
            _ => {}
        }
    }
}

/// Column (from 0) and row (from 1) of a name such as "AB12".
fn place(name: &str) -> (Option<u32>, Option<u64>) {
    let name = name.trim().trim_start_matches('$');
    let letters = name.len() - name.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let column = name[..letters].bytes().fold(0_u32, |column, letter| {
        column.saturating_mul(26).saturating_add(u32::from(letter.to_ascii_uppercase() - b'A') + 1)
    });
    let row = name[letters..].trim_start_matches('$').parse().ok();
    (column.checked_sub(1).filter(|column| *column < MAX_COLUMNS), row)
}

/// Writes the sheet under its name; says whether it holds anything.
pub(super) fn write(
    part: Stream<'_, '_>,
    (number, name): (u32, &str),
    merges: Vec<Merge>,
    book: &Book,
    canonical: &mut Canonical<'_>,
) -> Result<bool, ExtractError> {
    let most = canonical.limits().max_text_chars;
    let mut sheet = Sheet {
        number,
        name,
        book,
        most,
        grid: Grid::new(canonical),
        merges: merges.into_iter().peekable(),
        reaching: BTreeMap::new(),
        any: false,
        row: 0,
        next_column: 0,
        cells: Vec::new(),
        chars: 0,
        cell: Cell::default(),
        in_value: false,
        in_phonetic: false,
        in_data: false,
    };
    let mut xml = Xml::streamed(part);
    loop {
        match xml.next()? {
            Token::Open(element) => sheet.open(&element),
            Token::Text(text) if sheet.in_value && !sheet.in_phonetic => sheet.cell.value.push_str(&text),
            Token::Text(_) => {}
            Token::Close(name) => sheet.close(&name)?,
            Token::End => break,
        }
    }
    sheet.grid.end()?;
    Ok(sheet.any)
}

#[derive(Default)]
struct Cell {
    column: u32,
    kind: String,
    style: usize,
    value: String,
}

struct Sheet<'s, 'l> {
    number: u32,
    name: &'s str,
    book: &'s Book,
    most: usize,
    grid: Grid<'s, 'l>,
    merges: std::iter::Peekable<std::vec::IntoIter<Merge>>,
    /// Merged areas that reach into the rows to come: column → last row and text.
    reaching: BTreeMap<u32, (u64, String)>,
    any: bool,
    row: u64,
    next_column: u32,
    cells: Vec<(u32, String)>,
    /// Characters in the open row.
    chars: usize,
    cell: Cell,
    in_value: bool,
    in_phonetic: bool,
    in_data: bool,
}

impl Sheet<'_, '_> {
    fn open(&mut self, element: &Element<'_>) {
        match element.name() {
            "sheetData" => self.in_data = true,
            "row" if self.in_data => {
                self.row = element.number("r").unwrap_or(self.row.saturating_add(1));
                self.next_column = 0;
                if element.attr("hidden").is_some_and(|hidden| matches!(hidden.as_str(), "1" | "true")) {
                    self.grid
                        .canonical()
                        .warn(format!("Hidden rows of the sheet \"{}\" are part of the text.", self.name));
                }
            }
            "c" if self.in_data => {
                let column = element.attr("r").and_then(|name| place(&name).0).unwrap_or(self.next_column);
                self.next_column = column.saturating_add(1);
                self.cell = Cell {
                    column,
                    kind: element.attr("t").unwrap_or_default(),
                    style: element.number("s").unwrap_or(0),
                    value: String::new(),
                };
            }
            "v" | "t" if self.in_data => self.in_value = true,
            "rPh" => self.in_phonetic = true,
            _ => {}
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "v" | "t" => self.in_value = false,
            "rPh" => self.in_phonetic = false,
            "c" if self.in_data => return self.close_cell(),
            "row" if self.in_data => return self.close_row(),
            "sheetData" => self.in_data = false,
            _ => {}
        }
        Ok(())
    }

    fn close_cell(&mut self) -> Result<(), ExtractError> {
        let cell = std::mem::take(&mut self.cell);
        let text = match cell.kind.as_str() {
            "s" => cell.value.trim().parse().map_or_else(|_| String::new(), |at| unescape(self.book.strings.get(at))),
            "b" => if cell.value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "d" => cell.value.trim().trim_end_matches("T00:00:00").replace('T', " "),
            "str" | "inlineStr" => unescape(&cell.value),
            "e" => cell.value,
            _ => match cell.value.trim().parse::<f64>() {
                Ok(value) if value.is_finite() => {
                    self.book.styles.get(cell.style).show(value, &cell.value, self.book.from_1904)
                }
                _ => cell.value,
            },
        };
        if text.trim().is_empty() || self.cells.len() >= MAX_COLUMNS as usize {
            return Ok(());
        }
        // A shared text of a few bytes can stand in every cell: the row is bounded before it is written.
        self.chars += text.len();
        if self.chars > self.most.saturating_mul(4) {
            return Err(ExtractError::TooLarge(format!("its text is longer than {} characters", self.most)));
        }
        self.cells.push((cell.column, text));
        Ok(())
    }

    fn close_row(&mut self) -> Result<(), ExtractError> {
        self.chars = 0;
        let mut cells = std::mem::take(&mut self.cells);
        if !cells.is_sorted_by_key(|(column, _)| *column) {
            cells.sort_by_key(|(column, _)| *column);
        }
        self.start_merges(&cells);
        let row = self.row;
        self.reaching.retain(|_, (last, _)| *last >= row);
        // A cell that reaches down stands in each of its rows, so that a row can be read alone.
        if !cells.is_empty() {
            let own: Vec<u32> = cells.iter().map(|(column, _)| *column).collect();
            let reach = self.reaching.iter().filter(|(column, _)| own.binary_search(column).is_err());
            let filled: Vec<(u32, String)> = reach.map(|(column, (_, text))| (*column, text.clone())).collect();
            if !filled.is_empty() {
                cells.extend(filled);
                cells.sort_by_key(|(column, _)| *column);
            }
        }
        if !cells.is_empty() && !std::mem::replace(&mut self.any, true) {
            let canonical = self.grid.canonical();
            canonical.page(self.number);
            canonical.label(self.name);
            canonical.heading(1, self.name)?;
        }
        self.grid.row(self.row, cells)
    }

    /// Takes up the merged areas that begin in this row, and drops those whose row never came.
    fn start_merges(&mut self, cells: &[(u32, String)]) {
        while let Some(merge) = self.merges.next_if(|merge| merge.first_row <= self.row) {
            let begins = merge.first_row == self.row;
            let text = cells.iter().find(|(column, _)| begins && *column == merge.column);
            if let Some((column, text)) = text.filter(|(_, text)| text.len() <= MAX_REPEATED) {
                self.reaching.insert(*column, (merge.last_row, text.clone()));
            }
        }
    }
}
