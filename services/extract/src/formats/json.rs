//! JSON and JSON Lines: every value stands behind its key, parts stand under their path, and a list
//! of records is a table, so that each can be found and cited.

use super::{Source, decode, text};
use crate::ExtractError;
use crate::canonical::Canonical;
use serde_json::error::Category;
use serde_json::{Map, Value};

/// A list of records with more keys than this is no table that anyone reads.
const MAX_COLUMNS: usize = 40;
/// Lists of values up to this stand in one line.
const MAX_IN_LINE: usize = 20;

/// Whether files with this ending hold JSON.
pub(super) fn has_name(extension: &str) -> bool {
    matches!(extension, "json" | "jsonl" | "ndjson" | "geojson" | "webmanifest")
}

/// Whether a text is JSON, whatever its name.
pub(super) fn looks_like(head: &str, bytes: &[u8]) -> bool {
    let start: String = head.chars().filter(|c| !c.is_whitespace()).take(2).collect();
    let opens = matches!(start.as_str(), "{\"" | "[{" | "[[" | "[\"" | "{}");
    opens && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let (decoded, guessed) = decode::decode(source.bytes);
    if let Some(encoding) = guessed {
        canonical.warn(format!("The encoding is not declared; the file was read as {encoding}."));
    }
    // The parser itself refuses more than 128 levels, so what walks its values needs no limit.
    match serde_json::from_str::<Value>(&decoded) {
        Ok(value) => write(&value, "", 1, canonical),
        Err(error) => match lines(&decoded, canonical) {
            Some(values) => write(&Value::Array(values), "", 1, canonical),
            None => not_json(source, &error, canonical),
        },
    }
}

fn not_json(source: &Source<'_>, error: &serde_json::Error, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    if error.to_string().contains("recursion limit") {
        return Err(ExtractError::Damaged("its values are nested more than 128 deep".to_owned()));
    }
    if error.classify() == Category::Eof {
        return Err(ExtractError::Damaged("its end is missing".to_owned()));
    }
    canonical.warn(format!("It is not valid JSON ({error}); it was read as plain text."));
    text::read(source, canonical)
}

/// One value a line; None where that is not what the file is.
fn lines(text: &str, canonical: &mut Canonical<'_>) -> Option<Vec<Value>> {
    let (mut values, mut bad) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str::<Value>(line) {
            Ok(value) => values.push(value),
            Err(_) => bad.push(number),
        }
        if bad.len() > values.len() + 1 {
            return None;
        }
    }
    if values.len() < 2 || bad.len() * 10 > values.len() {
        return None;
    }
    if let Some(first) = bad.first() {
        let line: usize = *first;
        canonical.warn(format!("{} lines are no JSON and were left out, the first is line {line}.", bad.len()));
    }
    Some(values)
}

fn write(value: &Value, path: &str, level: u8, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    match value {
        Value::Object(object) => write_object(object, path, level, canonical),
        Value::Array(values) => write_array(values, path, level, canonical),
        scalar => canonical.paragraph(&shown(scalar)),
    }
}

fn write_object(
    object: &Map<String, Value>,
    path: &str,
    level: u8,
    canonical: &mut Canonical<'_>,
) -> Result<(), ExtractError> {
    let mut pairs = Vec::new();
    for (key, value) in object {
        match in_line(value) {
            Some(text) => pairs.push(format!("{key}: {text}")),
            None => {
                flush(&mut pairs, canonical)?;
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                canonical.heading(level, &path)?;
                write(value, &path, level.saturating_add(1), canonical)?;
            }
        }
    }
    flush(&mut pairs, canonical)
}

fn flush(pairs: &mut Vec<String>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let text = std::mem::take(pairs).join("\n");
    if text.is_empty() { Ok(()) } else { canonical.paragraph(&text) }
}

fn write_array(values: &[Value], path: &str, level: u8, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    if let Some(columns) = columns(values) {
        canonical.row(&columns, true)?;
        for record in values.iter().filter_map(Value::as_object) {
            let cell = |key: &String| record.get(key).and_then(in_line).unwrap_or_default();
            let cells: Vec<String> = columns.iter().map(cell).collect();
            canonical.row(&cells, false)?;
        }
        canonical.break_group();
        return Ok(());
    }
    for (at, value) in values.iter().enumerate() {
        match in_line(value) {
            Some(text) => canonical.item("-", &text)?,
            None => {
                let path = format!("{path}[{at}]");
                canonical.heading(level, &path)?;
                write(value, &path, level.saturating_add(1), canonical)?;
            }
        }
    }
    Ok(())
}

/// The keys of a list of flat records that are much alike.
fn columns(values: &[Value]) -> Option<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    for value in values {
        for (key, value) in value.as_object()? {
            in_line(value)?;
            if !columns.contains(key) {
                columns.push(key.clone());
            }
            if columns.len() > MAX_COLUMNS {
                return None;
            }
        }
    }
    let filled: usize = values.iter().filter_map(Value::as_object).map(Map::len).sum();
    (values.len() > 1 && filled * 2 >= columns.len() * values.len()).then_some(columns)
}

/// A value that stands in a line behind its key.
fn in_line(value: &Value) -> Option<String> {
    match value {
        Value::Object(object) if object.is_empty() => Some(String::new()),
        Value::Object(_) => None,
        Value::Array(values) if values.len() > MAX_IN_LINE || values.iter().any(|value| !is_scalar(value)) => None,
        Value::Array(values) => Some(values.iter().map(shown).collect::<Vec<_>>().join(", ")),
        scalar => Some(shown(scalar)),
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
