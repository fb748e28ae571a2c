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

/// "_x000D_" is how the format writes a character that XML cannot hold, or would change.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let code = rest.get(at + 2..at + 6).filter(|_| rest.as_bytes().get(at + 6) == Some(&b'_'));
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        plain.push_str(&rest[..at]);
        match code {
            Some(c) => {
                plain.push(c);
                rest = &rest[at + 7..];
            }
            None => {
                plain.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescape("uno_x000D_\ndos_x005F_x0041_"), "uno\r\ndos_x0041_");
        assert_eq!(unescape("_x_x00_x00ñ0_ _xD800_ _x0041_"), "_x_x00_x00ñ0_ _xD800_ A");
    }
}
