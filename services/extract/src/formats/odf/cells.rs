//! One cell of a sheet: what it shows.

use super::super::xml::Element;

/// A cell being read.
#[derive(Debug, Default)]
pub(super) struct Cell {
    kind: String,
    value: String,
    date: String,
    pub(super) repeat: u32,
    pub(super) rows_spanned: u64,
    pub(super) covered: bool,
    pub(super) text: String,
}

impl Cell {
    pub(super) fn open(element: &Element<'_>) -> Self {
        Self {
            kind: element.attr("value-type").unwrap_or_default(),
            value: element.attr("value").unwrap_or_default(),
            date: element.attr("date-value").unwrap_or_default(),
            repeat: element.number("number-columns-repeated").unwrap_or(1).max(1),
            rows_spanned: element.number("number-rows-spanned").unwrap_or(1),
            covered: element.name() == "covered-table-cell",
            text: String::new(),
        }
    }

    /// Dates as ISO dates, everything else as the sheet shows it. A column too narrow shows "###":
    /// then the value itself.
    pub(super) fn shown(self) -> String {
        if self.kind == "date" && !self.date.is_empty() {
            let moment = self.date.trim_end_matches("T00:00:00").replace('T', " ");
            let seconds = moment.len() == "2026-03-05 14:30:00".len();
            return moment.strip_suffix(":00").filter(|_| seconds).unwrap_or(&moment).to_owned();
        }
        let text = self.text.trim();
        let unseen = text.is_empty() || text.chars().all(|c| c == '#');
        if unseen && matches!(self.kind.as_str(), "float" | "currency" | "percentage") { self.value } else { self.text }
    }
}
