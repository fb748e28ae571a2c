//! Plain text: paragraphs by blank lines, lists by their markers, wrapped lines joined.

use super::{Source, decode};
use crate::ExtractError;
use crate::canonical::Canonical;

/// A line at least this long, and near the longest of its text, was wrapped by a program.
const WRAPPED_FROM: usize = 55;

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let (text, guessed) = decode::decode(source.bytes);
    if let Some(encoding) = guessed {
        canonical.warn(format!("The encoding is not declared; the text was read as {encoding}."));
    }
    // A form feed is the only page break that plain text has.
    let pages: Vec<&str> = text.split('\u{0C}').collect();
    for (number, page) in (1..).zip(&pages) {
        if pages.len() > 1 {
            canonical.page(number);
        }
        let lines: Vec<&str> = page.lines().collect();
        let width = if holds_records(source.name) { None } else { wrap_width(&lines) };
        write_page(&lines, width, canonical)?;
    }
    Ok(())
}

/// Files whose lines are records, however long they are.
fn holds_records(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    matches!(extension.as_str(), "json" | "jsonl" | "log" | "xml" | "yaml" | "yml" | "ini" | "sql")
}

fn write_page(lines: &[&str], width: Option<usize>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    for block in lines.split(|line| line.trim().is_empty()).filter(|block| !block.is_empty()) {
        canonical.break_group();
        write_block(block, width, canonical)?;
    }
    Ok(())
}

/// The width at which the text was wrapped, where it was: many lines that another one follows end
/// just below it.
fn wrap_width(lines: &[&str]) -> Option<usize> {
    let followed = lines.windows(2).filter(|pair| !pair[1].trim().is_empty() && list_marker(pair[0]).is_none());
    let mut lengths: Vec<usize> =
        followed.map(|pair| pair[0].trim_end().chars().count()).filter(|length| *length > 0).collect();
    lengths.sort_unstable();
    let longest = *lengths.get(lengths.len() * 95 / 100)?;
    let near = lengths.iter().filter(|length| **length * 100 >= longest * 75).count();
    ((WRAPPED_FROM..=130).contains(&longest) && near * 3 >= lengths.len()).then_some(longest)
}

fn write_block(block: &[&str], width: Option<usize>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    if let [title, rule] = block
        && let Some(level) = underline(rule)
    {
        return canonical.heading(level, title);
    }
    if let [line] = block
        && is_shouted(line)
    {
        return canonical.heading(2, line);
    }
    let mut open: Option<(Option<&str>, String)> = None;
    for (at, line) in block.iter().enumerate() {
        if let Some((marker, text)) = list_marker(line) {
            flush(open.take(), canonical)?;
            open = Some((Some(marker), text.to_owned()));
            continue;
        }
        let wrapped = at > 0 && width.is_some_and(|width| fills(block[at - 1], line, width));
        match &mut open {
            Some((marker, text)) => {
                // The continuation of a list item is indented; other short lines were broken on purpose.
                let join = wrapped || (marker.is_some() && line.starts_with([' ', '\t']));
                if join { join_wrapped(text, line) } else { *text = format!("{text}\n{line}") }
            }
            None => open = Some((None, (*line).to_owned())),
        }
    }
    flush(open, canonical)
}

fn flush(open: Option<(Option<&str>, String)>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    match open {
        Some((Some(marker), text)) => canonical.item(marker, &text),
        Some((None, text)) => canonical.paragraph(&text),
        None => Ok(()),
    }
}

/// Whether the first word of `next` would not have fitted behind `line`.
fn fills(line: &str, next: &str, width: usize) -> bool {
    let word = next.split_whitespace().next().map_or(0, |word| word.chars().count());
    line.trim_end().chars().count() + 1 + word > width
}

/// Joins a wrapped line; a word cut by a hyphen becomes whole again.
pub(super) fn join_wrapped(text: &mut String, next: &str) {
    let next = next.trim();
    let cut = text.ends_with('-')
        && text.chars().rev().nth(1).is_some_and(char::is_alphabetic)
        && next.starts_with(char::is_lowercase);
    if cut {
        text.pop();
    } else if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(next);
}

/// "===" under a line makes it a first-level heading, "---" a second-level one.
fn underline(rule: &str) -> Option<u8> {
    let rule = rule.trim();
    match rule.chars().next() {
        _ if rule.len() < 3 => None,
        Some('=') if rule.chars().all(|c| c == '=') => Some(1),
        Some('-') if rule.chars().all(|c| c == '-') => Some(2),
        _ => None,
    }
}

/// A short line in capitals alone between blank lines.
fn is_shouted(line: &str) -> bool {
    let line = line.trim();
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 4
        && line.chars().count() <= 80
        && !line.chars().any(char::is_lowercase)
        && !line.ends_with(['.', ',', ';'])
}

/// "- text", "• text", "3. text", "b) text" → marker ("-", "3.", "b)") and text.
pub(super) fn list_marker(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let (marker, text) = line.split_once([' ', '\t', '\u{A0}'])?;
    if matches!(marker, "-" | "*" | "+" | "•" | "‣" | "▪" | "●" | "○" | "◦" | "–" | "—" | "·" | "\u{F0B7}" | "\u{F0A7}")
    {
        return Some(("-", text));
    }
    let body = marker.strip_suffix(['.', ')'])?;
    let number = !body.is_empty() && body.len() <= 2 && body.chars().all(|c| c.is_ascii_digit());
    let letter = marker.ends_with(')') && body.len() == 1 && body.chars().all(|c| c.is_ascii_alphabetic());
    (number || letter).then_some((marker, text))
}
