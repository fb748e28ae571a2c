//! Rows of a sheet → tables. A sheet is an endless grid: what stands together is a table, an empty
//! row ends it, and lone cells above a table are its title.

use crate::ExtractError;
use crate::canonical::Canonical;

/// More empty cells than this in a row mean distance, not columns.
const MAX_GAP: u32 = 32;
/// Lone cells above a table that may be its title and notes to it.
const MAX_TITLES: usize = 3;

/// A cell with text: its column, counted from 0, and what it shows.
pub(super) type Cell = (u32, String);

pub(super) struct Grid<'g, 'l> {
    canonical: &'g mut Canonical<'l>,
    /// The number of the row written last.
    last: Option<u64>,
    /// Lone cells that wait for what follows them.
    titles: Vec<String>,
    table: Option<Table>,
}

struct Table {
    /// The first column of the table.
    from: u32,
    /// All rows so far hold one cell.
    narrow: bool,
}

impl<'g, 'l> Grid<'g, 'l> {
    pub(super) fn new(canonical: &'g mut Canonical<'l>) -> Self {
        Self { canonical, last: None, titles: Vec::new(), table: None }
    }

    pub(super) fn canonical(&mut self) -> &mut Canonical<'l> {
        self.canonical
    }

    /// The cells with text of row `number`, in the order of their columns.
    pub(super) fn row(&mut self, number: u64, cells: Vec<Cell>) -> Result<(), ExtractError> {
        if cells.is_empty() {
            return Ok(());
        }
        if self.last.is_some_and(|last| number.saturating_sub(last) > 1) {
            self.end()?;
        }
        self.last = Some(number);
        let lone = cells.len() == 1;
        if self.table.is_none() && lone && self.titles.len() < MAX_TITLES {
            self.titles.extend(cells.into_iter().map(|(_, text)| text));
            return Ok(());
        }
        let widens = !lone && self.table.as_ref().is_some_and(|table| table.narrow);
        if self.table.is_none() || widens {
            self.open(&cells, lone)?;
            return self.write(cells, true);
        }
        self.write(cells, false)
    }

    /// Ends the table: what follows is another one.
    pub(super) fn end(&mut self) -> Result<(), ExtractError> {
        self.write_titles()?;
        self.table = None;
        self.last = None;
        self.canonical.break_group();
        Ok(())
    }

    fn open(&mut self, cells: &[Cell], narrow: bool) -> Result<(), ExtractError> {
        let from = cells.first().map_or(0, |(column, _)| *column);
        self.table = Some(Table { from, narrow });
        // A long list has no title: its first entries are entries.
        if narrow && !self.titles.is_empty() {
            for (at, title) in std::mem::take(&mut self.titles).into_iter().enumerate() {
                self.canonical.row(&[title], at == 0)?;
            }
            return Ok(());
        }
        self.write_titles()
    }

    fn write_titles(&mut self) -> Result<(), ExtractError> {
        for title in std::mem::take(&mut self.titles) {
            self.canonical.paragraph(&title)?;
        }
        Ok(())
    }

    fn write(&mut self, cells: Vec<Cell>, opens: bool) -> Result<(), ExtractError> {
        let Some(table) = &self.table else { return Ok(()) };
        // The rows of a list go on where its first entries stand already.
        let first = opens && !table.narrow;
        let mut next = table.from;
        let mut row = Vec::with_capacity(cells.len());
        for (column, text) in cells {
            let gap = column.saturating_sub(next).min(MAX_GAP) as usize;
            row.extend(std::iter::repeat_n(String::new(), gap));
            row.push(text);
            next = column.saturating_add(1);
        }
        self.canonical.row(&row, first)
    }
}
