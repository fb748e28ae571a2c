//! CSV and TSV: every record is a row of one table. What separates, what quotes and which encoding
//! the file is in are found from its content.

use super::{Source, decode};
use crate::ExtractError;
use crate::canonical::Canonical;
use csv::{ReaderBuilder, StringRecord};

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records looked at to find the separator.
const SAMPLE: usize = 50;
/// Spreadsheets end at 16,384 columns.
const MAX_COLUMNS: usize = 20_000;

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let (text, guessed) = decode::decode(source.bytes);
    if let Some(encoding) = guessed {
        canonical.warn(format!("The encoding is not declared; the table was read as {encoding}."));
    }
    let (declared, text) = declared_separator(&text);
    let separator = declared.unwrap_or_else(|| likely_separator(text));
    let mut reader = builder(separator).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let (mut first, mut width, mut uneven) = (true, 0, 0_usize);
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => return Err(ExtractError::Damaged(format!("its table is broken ({error})"))),
        }
        if record.len() > MAX_COLUMNS {
            return Err(ExtractError::TooLarge(format!("a row has more than {MAX_COLUMNS} columns")));
        }
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        width = if first { cells.len() } else { width };
        uneven += usize::from(cells.len() != width);
        canonical.row(&cells, first)?;
        first = false;
    }
    if uneven > 0 {
        canonical.warn(format!("{uneven} rows have more or fewer columns than the first."));
    }
    Ok(())
}

fn builder(separator: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(separator).has_headers(false).flexible(true);
    builder
}

/// Spreadsheets write "sep=;" above a table.
fn declared_separator(text: &str) -> (Option<u8>, &str) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    match line.trim_end_matches('\r').strip_prefix("sep=").map(str::as_bytes) {
        Some([separator]) => (Some(*separator), rest),
        _ => (None, text),
    }
}

/// The separator that cuts most records into as many cells as the first, and into more than one.
fn likely_separator(text: &str) -> u8 {
    let head = text.char_indices().nth(64 * 1024).map_or(text, |(end, _)| &text[..end]);
    let score = |separator: u8| {
        let mut reader = builder(separator).from_reader(head.as_bytes());
        let widths: Vec<usize> = reader.records().take(SAMPLE).flatten().map(|record| record.len()).collect();
        let width = widths.first().copied().unwrap_or(0);
        let alike = widths.iter().filter(|found| **found == width).count();
        if width < 2 { 0 } else { alike * 1000 / widths.len() * 100 + width.min(99) }
    };
    // The first of equals, so that a comma wins a tie.
    SEPARATORS.into_iter().rev().max_by_key(|separator| score(*separator)).unwrap_or(b',')
}
