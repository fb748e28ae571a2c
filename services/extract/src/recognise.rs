//! Text recognition as a reader sees it: it hands a picture out of the jail and gets words back.
//! The program that recognises runs in a jail of its own ([`crate::ocr`]).

use crate::ExtractError;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::io::{BufRead, Read, Write};

/// A larger picture file is no page.
pub(crate) const MAX_PICTURE_BYTES: u64 = 64 << 20;
/// An A4 page at 600 dots per inch has 35 million.
pub(crate) const MAX_PIXELS: u64 = 40_000_000;
/// Tesseract's certainty, of 100, below which a word is a speck.
const LEAST_CERTAIN: f32 = 30.0;

/// What a child says before its end, one line each.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    /// So many bytes of a picture follow; the answer is a line with [`Recognised`].
    Recognise { bytes: u64, dpi: Option<u32> },
    Done {
        outcome: Box<crate::child::Outcome>,
        /// The most memory that the child had in use, where the system told it.
        peak_kib: Option<u64>,
    },
}

/// The words of a picture, as tesseract's table.
pub(crate) type Recognised = Result<String, ExtractError>;

/// Reads the words of a picture.
pub(crate) trait Recognise {
    /// `head` and `body` together are the file.
    ///
    /// # Errors
    /// Where the program cannot read the picture, or took too long.
    fn paragraphs(&self, head: &[u8], body: &[u8], dpi: Option<u32>) -> Result<Vec<Paragraph>, ExtractError>;
}

/// A paragraph on a page of a picture file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Paragraph {
    /// Counted from 1.
    pub(crate) page: u32,
    /// Its lines.
    pub(crate) text: String,
}

/// Asks the parent over the child's own pipes.
pub(crate) struct Asker {
    pub(crate) pages_left: Cell<u32>,
}

impl Recognise for Asker {
    fn paragraphs(&self, head: &[u8], body: &[u8], dpi: Option<u32>) -> Result<Vec<Paragraph>, ExtractError> {
        let Some(left) = self.pages_left.get().checked_sub(1) else {
            return Err(ExtractError::TooLarge("it has more scanned pages than are recognised".to_owned()));
        };
        self.pages_left.set(left);
        let bytes = (head.len() + body.len()) as u64;
        if bytes > MAX_PICTURE_BYTES {
            return Err(ExtractError::TooLarge(format!("a picture is larger than {} MB", MAX_PICTURE_BYTES >> 20)));
        }
        let lost = |_| ExtractError::Setup("the parent does not answer".to_owned());
        let mut line = serde_json::to_vec(&Said::Recognise { bytes, dpi })
            .map_err(|error| ExtractError::Setup(error.to_string()))?;
        line.push(b'\n');
        let mut stdout = std::io::stdout().lock();
        for part in [&line, head, body] {
            stdout.write_all(part).map_err(lost)?;
        }
        stdout.flush().map_err(lost)?;
        let mut answer = String::new();
        std::io::stdin().lock().take(MAX_PICTURE_BYTES).read_line(&mut answer).map_err(lost)?;
        let recognised: Recognised =
            serde_json::from_str(&answer).map_err(|_| ExtractError::Setup("the parent's answer is cut".to_owned()))?;
        Ok(paragraphs(&recognised?))
    }
}

/// Tesseract's table (level, page, block, paragraph, line, word, four of place, certainty, text) as
/// paragraphs of lines.
fn paragraphs(table: &str) -> Vec<Paragraph> {
    let mut found: Vec<Paragraph> = Vec::new();
    let mut last = None;
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.splitn(12, '\t').collect();
        let [level, page, block, paragraph, line, _, _, _, _, _, certainty, word] = columns[..] else { continue };
        let certain = certainty.parse::<f32>().is_ok_and(|certain| certain >= LEAST_CERTAIN);
        if level != "5" || !certain || word.trim().is_empty() {
            continue;
        }
        let place = (page.parse().unwrap_or(1_u32), block.to_owned(), paragraph.to_owned());
        let joint = match &last {
            Some((before, _)) if *before != place => None,
            Some((_, before)) if before == line => Some(' '),
            Some(_) => Some('\n'),
            None => None,
        };
        match (joint, found.last_mut()) {
            (Some(joint), Some(open)) => {
                open.text.push(joint);
                open.text.push_str(word.trim());
            }
            _ => found.push(Paragraph { page: place.0.max(1), text: word.trim().to_owned() }),
        }
        last = Some((place, line.to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Paragraph, paragraphs};

    #[test]
    fn words_become_lines_and_paragraphs() {
        let table = "level\tpage_num\n\
            5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t96.1\tEl\n5\t1\t1\t1\t1\t2\t0\t0\t9\t9\t95\tturno\n\
            5\t1\t1\t1\t2\t1\t0\t0\t9\t9\t90\tempieza\n5\t1\t1\t1\t2\t2\t0\t0\t9\t9\t4\t~|\n\
            4\t1\t1\t2\t0\t0\t0\t0\t9\t9\t-1\t\n5\t1\t1\t2\t1\t1\t0\t0\t9\t9\t88\tFin\n\
            5\t2\t1\t1\t1\t1\t0\t0\t9\t9\t88\tOtra\nbroken";
        let expected = [(1, "El turno\nempieza"), (1, "Fin"), (2, "Otra")];
        let expected: Vec<Paragraph> =
            expected.into_iter().map(|(page, text)| Paragraph { page, text: text.to_owned() }).collect();
        assert_eq!(paragraphs(table), expected);
    }
}
