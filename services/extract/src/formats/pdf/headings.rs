//! Which lines are headings: larger than the text, or in bold where the text is not.

use super::lines::Line;
use super::rows::Item;
use std::collections::HashMap;

/// How much larger than the text a heading is.
const LARGER: f32 = 1.12;
/// A longer line is a sentence in large letters.
const MAX_LENGTH: usize = 160;
/// Sizes of headings told apart; smaller ones share the last level.
const MAX_LEVELS: usize = 5;

/// The sizes of a document's headings, from the largest.
#[derive(Debug)]
pub(super) struct Ranks {
    pub(super) body: f32,
    sizes: Vec<u32>,
}

impl Ranks {
    /// Weighs sizes by letters: the commonest is the text.
    pub(super) fn of(items: &[Item]) -> Self {
        let mut letters: HashMap<u32, usize> = HashMap::new();
        let lines = || items.iter().filter_map(|item| if let Item::Line(line) = item { Some(line) } else { None });
        for line in lines() {
            *letters.entry(half_points(line.size)).or_default() += line.length();
        }
        let body =
            letters.iter().max_by_key(|(size, count)| (**count, **size)).map_or(10.0, |(size, _)| *size as f32 / 2.0);
        let mut sizes: Vec<u32> =
            lines().filter(|line| is_larger(line, body)).map(|line| half_points(line.size)).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.dedup();
        sizes.truncate(MAX_LEVELS);
        Self { body, sizes }
    }

    /// The level of `line` where it looks like a heading. `alone` tells that no other line of its
    /// look touches it: text in bold counts only then.
    pub(super) fn level(&self, line: &Line, alone: bool) -> Option<u8> {
        let rank = |size: u32| self.sizes.iter().position(|known| *known <= size).unwrap_or(self.sizes.len());
        if is_larger(line, self.body) {
            return u8::try_from(rank(half_points(line.size)) + 1).ok();
        }
        let text = line.text();
        let bold = line.bold && alone && line.size > self.body * 0.9 && text.chars().count() <= 100;
        let sentence = text.trim_end().ends_with(['.', ':', ';', ',', '!']);
        (bold && !sentence && text.chars().any(char::is_alphabetic))
            .then(|| u8::try_from(self.sizes.len() + 1).unwrap_or(6))
    }
}

fn is_larger(line: &Line, body: f32) -> bool {
    line.size >= body * LARGER
        && line.text().chars().count() <= MAX_LENGTH
        && line.text().chars().any(char::is_alphabetic)
}

fn half_points(size: f32) -> u32 {
    (size * 2.0).round() as u32
}
