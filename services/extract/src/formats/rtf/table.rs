//! Rows of a table.

/// Cells of a row; the format's own limit is 63.
const MAX_CELLS: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Table {
    /// For each cell of the row as it was defined, whether it continues the one above it.
    continued: Vec<bool>,
    defining: bool,
    cells: Vec<String>,
    above: Vec<String>,
    /// A row was written, and nothing since that is no row.
    open: bool,
}

impl Table {
    /// A word that describes the row or its next cell; false where it means something else.
    pub(super) fn word(&mut self, name: &str) -> bool {
        match name {
            "trowd" => {
                self.continued.clear();
                self.defining = false;
            }
            "clvmrg" => self.defining = true,
            "cellx" => {
                let continued = std::mem::take(&mut self.defining);
                if self.continued.len() < MAX_CELLS {
                    self.continued.push(continued);
                }
            }
            _ => return false,
        }
        true
    }

    /// A cell merged with the one above repeats its text, so that a row can be read alone.
    pub(super) fn cell(&mut self, mut text: String) {
        let at = self.cells.len();
        if text.trim().is_empty() && self.continued.get(at) == Some(&true) {
            text = self.above.get(at).cloned().unwrap_or_default();
        }
        if at < MAX_CELLS {
            self.cells.push(text);
        }
    }

    /// The finished row, and whether it is the first of its table.
    pub(super) fn row(&mut self) -> (Vec<String>, bool) {
        let cells = std::mem::take(&mut self.cells);
        self.above.clone_from(&cells);
        (cells, !std::mem::replace(&mut self.open, true))
    }

    /// A paragraph outside of the table.
    pub(super) fn end(&mut self) {
        self.open = false;
        self.above.clear();
    }
}
