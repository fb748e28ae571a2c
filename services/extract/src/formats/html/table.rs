//! Tables of a page: which ones hold data, and their rows with spanned cells filled in.

use scraper::{ElementRef, Node};

/// A cell with more text than this holds prose: the table only lays the page out.
const MAX_CELL: usize = 1_500;
const MAX_SPAN: usize = 1_000;

/// A table of data being read, row by row.
#[derive(Default)]
pub(super) struct Table {
    rows: usize,
    cells: Vec<String>,
    /// Cells of earlier rows that reach down: column, rows left, text.
    spans: Vec<(usize, usize, String)>,
}

impl Table {
    /// Adds the next cell of the open row.
    pub(super) fn cell(&mut self, text: String, rowspan: Option<&str>) {
        self.fill_spanned();
        let rows: usize = rowspan.and_then(|rows| rows.trim().parse().ok()).unwrap_or(1).clamp(1, MAX_SPAN);
        if rows > 1 {
            self.spans.push((self.cells.len(), rows, text.clone()));
        }
        self.cells.push(text);
    }

    /// The finished row, and whether it is the table's first.
    pub(super) fn end_row(&mut self) -> (Vec<String>, bool) {
        self.fill_spanned();
        for span in &mut self.spans {
            span.1 -= 1;
        }
        self.spans.retain(|span| span.1 > 0);
        self.rows += 1;
        (std::mem::take(&mut self.cells), self.rows == 1)
    }

    /// A cell that reaches down stands in each of its rows, so that a row can be read alone.
    fn fill_spanned(&mut self) {
        while self.cells.len() <= MAX_SPAN {
            let column = self.cells.len();
            let Some((_, _, text)) = self.spans.iter().find(|span| span.0 == column) else { return };
            let text = text.clone();
            self.cells.push(text);
        }
    }
}

/// Whether `table` holds data; otherwise its cells are read as parts of the page.
pub(super) fn holds_data(table: ElementRef<'_>) -> bool {
    if matches!(table.attr("role"), Some("presentation" | "none")) {
        return false;
    }
    let mut most = 0;
    for element in table.descendants().filter_map(ElementRef::wrap) {
        match element.value().name() {
            "table" if element.id() != table.id() => return false,
            "tr" => {
                most =
                    most.max(element.child_elements().filter(|cell| matches!(cell.value().name(), "td" | "th")).count())
            }
            "td" if text_length(element) > MAX_CELL => return false,
            _ => {}
        }
    }
    most > 1
}

fn text_length(element: ElementRef<'_>) -> usize {
    let texts = element.descendants().filter_map(|node| match node.value() {
        Node::Text(text) => Some(text.trim().len()),
        _ => None,
    });
    texts.sum()
}
