//! How cells show their numbers: styles lead to formats, built-in or of the file's own.

use super::super::xml::{Token, Xml};
use super::numfmt::{Format, builtin};
use crate::ExtractError;
use std::collections::HashMap;

/// The most formats that the program itself allows a file.
const MAX_STYLES: usize = 65_536;

/// The format of each cell style, by its number.
#[derive(Debug, Default)]
pub(super) struct Styles(Vec<Format>);

impl Styles {
    pub(super) fn read(part: &[u8]) -> Result<Self, ExtractError> {
        let (mut own, mut cells, mut inside) = (HashMap::<u32, Format>::new(), Vec::new(), false);
        let mut xml = Xml::new(part);
        loop {
            match xml.next()? {
                Token::Open(element) => match element.name() {
                    "numFmt" if own.len() < MAX_STYLES => {
                        if let (Some(id), Some(code)) = (element.number("numFmtId"), element.attr("formatCode")) {
                            own.insert(id, Format::parse(&code));
                        }
                    }
                    "cellXfs" => inside = true,
                    "xf" if inside && cells.len() < MAX_STYLES => {
                        let id = element.number("numFmtId").unwrap_or(0);
                        cells.push(own.get(&id).cloned().unwrap_or_else(|| Format::parse(builtin(id))));
                    }
                    _ => {}
                },
                Token::Close(name) if name == "cellXfs" => inside = false,
                Token::End => return Ok(Self(cells)),
                _ => {}
            }
        }
    }

    pub(super) fn get(&self, style: usize) -> &Format {
        self.0.get(style).unwrap_or(&Format::General)
    }
}
