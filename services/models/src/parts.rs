//! Vectors for the parts of a passage, from the one pass that embeds the passage itself.
//!
//! The mean over the vectors of a part's tokens, which have read the whole passage ("late chunking",
//! Günther et al. 2024): a table row knows its header, and it costs no further inference. They are kept
//! as bytes, a quarter of the size, which moves a cosine by less than a thousandth.

use crate::error::ModelError;
use fastembed::{OutputKey, SingleBatchOutput};
use std::ops::Range;

/// A text and the byte ranges of it that get a vector of their own.
#[derive(Clone, Debug)]
pub struct Parted {
    pub text: String,
    pub parts: Vec<Range<usize>>,
}

/// Vectors of length one; a part without a token has an empty one.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    pub whole: Vec<f32>,
    pub parts: Vec<Vec<f32>>,
}

/// The tokens (given by their byte offsets) that a part touches. The marks around a text have no bytes.
pub(crate) fn tokens_of(part: &Range<usize>, offsets: &[(usize, usize)]) -> Range<usize> {
    let touched = |(start, end): &(usize, usize)| *start < part.end && *end > part.start && end > start;
    let Some(first) = offsets.iter().position(touched) else { return 0..0 };
    let last = offsets.iter().rposition(touched).unwrap_or(first);
    first..last + 1
}

/// Vectors of each text's parts, from what the model gave for its batch.
pub(crate) fn pool(
    output: &SingleBatchOutput,
    precedence: &'static [OutputKey],
    parts: &[&[Range<usize>]],
) -> Result<Vec<Vec<Vec<f32>>>, ModelError> {
    let failed = |error| ModelError::failed("the embedding model gives no tokens", error);
    let tensor = output.select_output(&precedence).map_err(failed)?;
    let (shape, Some(values)) = (tensor.shape(), tensor.as_slice()) else {
        return Err(ModelError::Failed("the embedding model gives tokens in an unknown order".to_owned()));
    };
    let &[texts, tokens, dim] = shape else {
        return Err(ModelError::Failed(format!("the embedding model gives a tensor of shape {shape:?}")));
    };
    let of_text = |(text, parts): (usize, &&[Range<usize>])| {
        let rows = &values[text * tokens * dim..(text + 1) * tokens * dim];
        parts.iter().map(|part| mean(rows, dim, part.start..part.end.min(tokens))).collect()
    };
    Ok(parts.iter().take(texts).enumerate().map(of_text).collect())
}

fn mean(rows: &[f32], dim: usize, part: Range<usize>) -> Vec<f32> {
    if part.is_empty() {
        return Vec::new();
    }
    let mut sum = vec![0.0; dim];
    for row in rows.chunks_exact(dim).skip(part.start).take(part.len()) {
        for (total, value) in sum.iter_mut().zip(row) {
            *total += value;
        }
    }
    unit(sum)
}

/// The vector at length one.
pub(crate) fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

/// Bytes that hold the vectors: for each its scale (four bytes, little-endian) and a signed byte a number.
/// An empty vector is one of zeros.
#[must_use]
pub fn pack(vectors: &[Vec<f32>], dim: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(vectors.len() * (dim + 4));
    for vector in vectors {
        let scale = vector.iter().fold(0.0_f32, |most, value| most.max(value.abs())) / 127.0;
        bytes.extend(scale.to_le_bytes());
        #[allow(clippy::cast_possible_truncation)] // within ±127 by the choice of the scale
        let number = |at: usize| vector.get(at).map_or(0, |value| (value / scale).round() as i8);
        bytes.extend((0..dim).map(|at| if scale > 0.0 { number(at).to_le_bytes()[0] } else { 0 }));
    }
    bytes
}

/// Cosines of packed vectors with `vector`; nothing where the bytes are not vectors of its length.
#[must_use]
pub fn cosines(packed: &[u8], vector: &[f32]) -> Option<Vec<f32>> {
    let size = vector.len() + 4;
    if vector.is_empty() || !packed.len().is_multiple_of(size) {
        return None;
    }
    let cosine = |bytes: &[u8]| {
        let (scale, numbers) = bytes.split_at(4);
        let scale = f32::from_le_bytes([scale[0], scale[1], scale[2], scale[3]]);
        let dot: f32 =
            numbers.iter().zip(vector).map(|(byte, value)| f32::from(i8::from_le_bytes([*byte])) * value).sum();
        dot * scale
    };
    Some(packed.chunks_exact(size).map(cosine).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_takes_the_tokens_that_it_touches() {
        let offsets = [(0, 0), (0, 3), (3, 7), (7, 7), (8, 12), (12, 13), (0, 0)];
        assert_eq!(tokens_of(&(3..10), &offsets), 2..5);
        assert_eq!(tokens_of(&(0..2), &offsets), 1..2);
        assert_eq!(tokens_of(&(13..20), &offsets), 0..0);
    }

    #[test]
    fn packed_vectors_keep_their_cosines() {
        let vector: Vec<f32> = (0..64_u8).map(|at| f32::from(at).sin() / 5.66).collect();
        let other: Vec<f32> = (0..64_u8).map(|at| f32::from(at).cos() / 5.66).collect();
        let exact = |a: &[f32]| a.iter().zip(&other).map(|(a, b)| a * b).sum::<f32>();
        let packed = pack(&[vector.clone(), Vec::new(), other.clone()], 64);
        let found = cosines(&packed, &other).unwrap();
        assert!((found[0] - exact(&vector)).abs() < 2e-3 && (found[2] - exact(&other)).abs() < 2e-3, "{found:?}");
        assert!(found[1].abs() < f32::EPSILON);
        assert!(cosines(&packed[1..], &other).is_none());
    }
}
