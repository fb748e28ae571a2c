//! The table of texts that cells share.

use super::super::archive::Stream;
use super::super::xml::{Token, Xml};
use crate::ExtractError;

/// What an entry costs beside its text, so that a table of empty texts is bounded too.
const ENTRY_BYTES: u64 = 8;

/// All texts in one piece, with the place where each ends.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    pub(super) fn read(part: Stream<'_, '_>, most: u64) -> Result<Self, ExtractError> {
        let mut strings = Self::default();
        let (mut in_text, mut in_phonetic) = (false, false);
        let mut xml = Xml::streamed(part);
        loop {
            match xml.next()? {
                Token::Open(element) => match element.name() {
                    "t" => in_text = true,
                    // How to pronounce the text; it would stand there twice.
                    "rPh" => in_phonetic = true,
                    _ => {}
                },
                Token::Text(text) if in_text && !in_phonetic => strings.text.push_str(&text),
                Token::Text(_) => {}
                Token::Close(name) => match name.as_str() {
                    "t" => in_text = false,
                    "rPh" => in_phonetic = false,
                    "si" => strings.ends.push(strings.text.len()),
                    _ => {}
                },
                Token::End => return Ok(strings),
            }
            if strings.text.len() as u64 + ENTRY_BYTES * strings.ends.len() as u64 > most {
                return Err(ExtractError::TooLarge("its texts take more than the memory allowed".to_owned()));
            }
        }
    }

    pub(super) fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(at).and_then(|end| self.text.get(start..*end)).unwrap_or_default()
    }
}
