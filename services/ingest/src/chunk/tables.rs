//! Tables that run over several passages: those after the first carry the header row beside them.

use super::Text;
use fuente_extract::{BlockKind, Extracted};

/// A header longer than this is cut after a cell: it shares its room with the headings.
const MAX_HEADER: usize = 200;
/// Between the cells of a row.
const BAR: &str = " | ";

/// The place of a table, and of its first row.
pub(super) struct Table {
    start: u32,
    first_end: u32,
    end: u32,
}

/// The tables, in order: rows with nothing but a line end between them belong together.
pub(super) fn find(extracted: &Extracted, text: &Text<'_>) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for block in extracted.blocks.iter().filter(|block| block.kind == BlockKind::TableRow) {
        match tables.last_mut().filter(|table| text.slice(table.end, block.char_start) == "\n") {
            Some(table) => table.end = block.char_end,
            None => tables.push(Table { start: block.char_start, first_end: block.char_end, end: block.char_end }),
        }
    }
    tables
}

/// The header of the table inside which `offset` stands; None in its first row, which is in the text.
pub(super) fn header(tables: &[Table], text: &Text<'_>, offset: u32) -> Option<String> {
    let at = tables.partition_point(|table| table.start <= offset).checked_sub(1)?;
    let table = tables.get(at).filter(|table| (table.first_end..table.end).contains(&offset))?;
    let row = text.slice(table.start, table.first_end);
    // A single name is an entry of a list as well as its header.
    row.contains(BAR).then(|| cut(row))
}

fn cut(row: &str) -> String {
    let end = row.char_indices().nth(MAX_HEADER).map_or(row.len(), |(at, _)| at);
    let head = &row[..end];
    let whole = if end == row.len() { head } else { head.rfind(BAR).map_or(head, |at| &head[..at]) };
    whole.to_owned()
}
