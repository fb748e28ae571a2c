//! Diagrams ("SmartArt"): the texts of their boxes, as a list.

use super::super::xml::{Token, Xml};
use crate::ExtractError;
use crate::canonical::Canonical;

/// Writes one item for each box with text.
pub(super) fn write(part: &[u8], canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let (mut text, mut in_text) = (String::new(), false);
    let mut xml = Xml::new(part);
    canonical.break_group();
    loop {
        match xml.next()? {
            Token::Open(element) => match element.name() {
                "t" => in_text = element.attr("type").is_none(),
                "p" | "br" => text.push(' '),
                _ => {}
            },
            Token::Text(more) if in_text => text.push_str(&more),
            Token::Text(_) => {}
            Token::Close(name) => match name.as_str() {
                "t" => in_text = false,
                "pt" => canonical.item("-", std::mem::take(&mut text).trim())?,
                _ => {}
            },
            Token::End => {
                canonical.break_group();
                return Ok(());
            }
        }
    }
}
