//! Rows of a table in a text or on a slide, with spanned cells filled in.

use super::super::xml::Element;
use std::collections::BTreeMap;

/// Cells that stand for one in the file; more of them are not a table but an attack.
const MAX_REPEAT: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Table {
    rows: usize,
    cells: Vec<String>,
    cell: String,
    /// How often the open cell stands there, and how many rows it spans.
    repeat: usize,
    rows_spanned: u32,
    covered: bool,
    /// Cells that reach down: column → rows left and text.
    reaching: BTreeMap<usize, (u32, String)>,
}

impl Table {
    pub(super) fn open_cell(&mut self, element: &Element<'_>) {
        self.cell.clear();
        self.covered = element.name() == "covered-table-cell";
        self.repeat = element.number("number-columns-repeated").unwrap_or(1).clamp(1, MAX_REPEAT);
        self.rows_spanned = element.number("number-rows-spanned").unwrap_or(1);
    }

    /// Adds a paragraph to the open cell.
    pub(super) fn text(&mut self, text: &str) {
        if !self.cell.is_empty() {
            self.cell.push('\n');
        }
        self.cell.push_str(text);
    }

    pub(super) fn close_cell(&mut self) {
        let text = std::mem::take(&mut self.cell);
        for _ in 0..self.repeat {
            if self.cells.len() >= MAX_REPEAT {
                return;
            }
            let column = self.cells.len();
            // A cell that reaches down stands in each of its rows, so that a row can be read alone.
            let above = self.reaching.get(&column).filter(|_| self.covered && text.trim().is_empty());
            let shown = above.map_or_else(|| text.clone(), |(_, text)| text.clone());
            if self.rows_spanned > 1 {
                self.reaching.insert(column, (self.rows_spanned, text.clone()));
            }
            self.cells.push(shown);
        }
    }

    /// The finished row, and whether it is the first.
    pub(super) fn close_row(&mut self) -> (Vec<String>, bool) {
        self.reaching.retain(|_, (left, _)| {
            *left = left.saturating_sub(1);
            *left > 0
        });
        let mut cells = std::mem::take(&mut self.cells);
        while cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if cells.is_empty() {
            return (cells, false);
        }
        self.rows += 1;
        (cells, self.rows == 1)
    }
}
