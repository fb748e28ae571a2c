//! A passage with more tokens than the model takes is read in pieces, cut where sentences begin, and has
//! the mean of their vectors. Passages are cut for the model they were made by; another counts otherwise.

use crate::parts::{Embedded, unit};
use std::ops::Range;

/// What the model reads at once: a passage, or a piece of one.
pub(crate) struct Piece {
    /// Which passage.
    pub(crate) of: usize,
    pub(crate) text: String,
    /// Its tokens of each of the passage's parts.
    pub(crate) parts: Vec<Range<usize>>,
    pub(crate) tokens: usize,
}

/// Where to cut `range` of the text: near its middle, at the beginning of a part, else of a word, else of
/// a character. None where it is one character.
pub(crate) fn middle(text: &str, range: &Range<usize>, parts: &[Range<usize>]) -> Option<usize> {
    let middle = range.start + range.len() / 2;
    let inside = |at: &usize| *at > range.start && *at < range.end;
    let nearest = |places: &mut dyn Iterator<Item = usize>| places.min_by_key(|at| at.abs_diff(middle));
    let whole = |at: &usize| inside(at) && at.abs_diff(middle) <= range.len() / 4;
    let sentence = nearest(&mut parts.iter().map(|part| part.start).filter(whole));
    let words = || text[range.clone()].match_indices(char::is_whitespace).map(|(at, _)| at + range.start);
    let characters = || text[range.clone()].char_indices().map(|(at, _)| at + range.start);
    sentence.or_else(|| nearest(&mut words().filter(inside))).or_else(|| nearest(&mut characters().filter(inside)))
}

/// The tokens of `part` in the piece that `range` of the text is, which stands after `before` bytes.
pub(crate) fn clipped(part: &Range<usize>, range: &Range<usize>, before: usize) -> Option<Range<usize>> {
    let (start, end) = (part.start.max(range.start), part.end.min(range.end));
    (start < end).then(|| start - range.start + before..end - range.start + before)
}

/// The vectors of `passages` from those of their pieces, each weighed by its tokens.
pub(crate) fn joined(pieces: &[(usize, Vec<usize>, usize)], made: Vec<Embedded>, passages: usize) -> Vec<Embedded> {
    let mut count = vec![0_usize; passages];
    pieces.iter().for_each(|(of, ..)| count[*of] += 1);
    let mut all = vec![Embedded::default(); passages];
    for ((of, parts, tokens), made) in pieces.iter().zip(made) {
        let sum = &mut all[*of];
        if count[*of] == 1 {
            *sum = made;
            continue;
        }
        add(&mut sum.whole, &made.whole, *tokens);
        sum.parts.resize(made.parts.len(), Vec::new());
        for ((sum, vector), tokens) in sum.parts.iter_mut().zip(&made.parts).zip(parts) {
            add(sum, vector, *tokens);
        }
    }
    for (sum, _) in all.iter_mut().zip(&count).filter(|(_, count)| **count > 1) {
        sum.whole = unit(std::mem::take(&mut sum.whole));
        for part in sum.parts.iter_mut().filter(|part| !part.is_empty()) {
            *part = unit(std::mem::take(part));
        }
    }
    all
}

fn add(sum: &mut Vec<f32>, vector: &[f32], tokens: usize) {
    sum.resize(sum.len().max(vector.len()), 0.0);
    #[allow(clippy::cast_precision_loss)] // tokens of one passage
    let weight = tokens as f32;
    for (total, value) in sum.iter_mut().zip(vector) {
        *total += value * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_are_at_sentences_else_words_else_characters() {
        let text = "One two three. Four five six. Seven.";
        let parts = [0..15, 15..30, 30..36];
        assert_eq!(middle(text, &(0..36), &parts), Some(15));
        assert_eq!(middle(text, &(0..15), &parts), Some(7), "a word where no sentence begins");
        assert_eq!(middle("ñññ", &(0..6), &[]), Some(2), "never inside a character");
        assert_eq!(middle("ñ", &(0..2), &[]), None);
    }

    #[test]
    fn pieces_weigh_by_their_tokens() {
        let made = |whole: [f32; 2], part: Vec<f32>| Embedded { whole: whole.to_vec(), parts: vec![part] };
        let vectors = vec![made([1.0, 0.0], vec![]), made([1.0, 0.0], vec![1.0, 0.0]), made([0.0, 1.0], vec![])];
        let read = [(0, vec![0], 9), (1, vec![2], 3), (1, vec![0], 4)];
        let joined = joined(&read, vectors, 2);
        assert_eq!(joined[0].whole, [1.0, 0.0], "one piece is as it was");
        assert!((joined[1].whole[0] - 0.6).abs() < 1e-6 && (joined[1].whole[1] - 0.8).abs() < 1e-6);
        assert_eq!(joined[1].parts, [[1.0, 0.0]]);
    }
}
