//! Page furniture: headers, footers, page numbers and the table of contents. They belong to no
//! sentence, and a search would find them before the text that they only name.

use super::rows::Item;
use crate::canonical::Canonical;
use std::collections::HashMap;

/// Lines at the top and at the bottom of a page that may be furniture.
const EDGE_LINES: usize = 2;
/// In points: furniture stands at the same height on every page.
const SAME_HEIGHT: f32 = 3.0;
/// Repetitions at the same height that are no chance; of two or three pages, all must agree.
const REPEATS: usize = 3;
/// Dots that lead the eye from a title to its page number.
const LEADER_DOTS: usize = 5;

/// The items without what repeats at the edges of pages.
pub(super) fn remove(mut items: Vec<Item>, pages: u32, canonical: &mut Canonical<'_>) -> Vec<Item> {
    let before = items.len();
    items.retain(|item| !is_contents(item));
    if items.len() < before {
        canonical.warn("The table of contents was left out.");
    }
    if pages < 2 {
        return items;
    }
    let edges = edge_lines(&items);
    let mut seen: HashMap<(String, i32), Vec<u32>> = HashMap::new();
    for at in &edges {
        let Item::Line(line) = &items[*at] else { continue };
        let mut on = seen.remove(&key(line)).unwrap_or_default();
        on.push(line.page);
        on.dedup();
        seen.insert(key(line), on);
    }
    let needed = REPEATS.min(pages as usize);
    let repeats = |at: &usize| match &items[*at] {
        Item::Line(line) => {
            let (text, height) = key(line);
            let near = [height - 1, height, height + 1];
            let on: usize = near.iter().filter_map(|height| seen.get(&(text.clone(), *height))).map(Vec::len).sum();
            on >= needed
        }
        Item::Row { .. } | Item::Recognised { .. } => false,
    };
    let gone: Vec<usize> = edges.into_iter().filter(|at| repeats(at)).collect();
    if gone.is_empty() {
        return items;
    }
    canonical.warn("Lines that repeat at the top or bottom of the pages were left out.");
    items.into_iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, item)| item).collect()
}

/// "Title . . . . . . 12"
fn is_contents(item: &Item) -> bool {
    let text = match item {
        Item::Line(line) => line.text(),
        Item::Row { cells, .. } => cells.join(" "),
        Item::Recognised { text, .. } => text.clone(),
    };
    let body = text.trim_end_matches(|c: char| c.is_alphanumeric() || c.is_whitespace() || c == '-');
    let leader = body.chars().rev().take_while(|c| matches!(c, '.' | '…' | '·' | ' ')).filter(|c| *c != ' ').count();
    leader >= LEADER_DOTS && body.len() < text.len()
}

/// Text with its figures masked, so that page numbers agree, and its height on the page.
fn key(line: &super::lines::Line) -> (String, i32) {
    let masked: String = line.text().chars().map(|c| if c.is_numeric() { '#' } else { c }).collect();
    let mut folded = crate::clean::one_line(&masked).to_lowercase();
    while folded.contains("##") {
        folded = folded.replace("##", "#");
    }
    (folded, (line.baseline / SAME_HEIGHT).round() as i32)
}

/// The places of the highest and lowest lines of each page.
fn edge_lines(items: &[Item]) -> Vec<usize> {
    let mut by_page: HashMap<u32, Vec<(usize, f32)>> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        if let Item::Line(line) = item {
            by_page.entry(line.page).or_default().push((at, line.baseline));
        }
    }
    let mut edges = Vec::new();
    for lines in by_page.values_mut() {
        lines.sort_by(|a, b| b.1.total_cmp(&a.1));
        let low = lines.len().saturating_sub(EDGE_LINES).max(EDGE_LINES.min(lines.len()));
        edges.extend(lines[..EDGE_LINES.min(lines.len())].iter().map(|(at, _)| *at));
        edges.extend(lines[low..].iter().map(|(at, _)| *at));
    }
    edges.sort_unstable();
    edges
}
