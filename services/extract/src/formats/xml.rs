//! XML of office packages, as a flat sequence of tokens: no entities of its own, no document types,
//! bounded depth, and names without their prefixes (producers choose those freely).

use super::archive::Stream;
use crate::ExtractError;
use crate::limits::MAX_DEPTH;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::io::{BufRead, ErrorKind};

/// One token.
pub(super) enum Token<'b> {
    Open(Element<'b>),
    Close(String),
    Text(String),
    End,
}

/// The start of an element.
pub(super) struct Element<'b>(BytesStart<'b>);

impl Element<'_> {
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The value of the attribute with this local name.
    pub(super) fn attr(&self, name: &str) -> Option<String> {
        // The check for doubles compares every pair: a bomb with many attributes would cost minutes.
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        let found = attributes.flatten().find(|attribute| attribute.key.local_name().into_inner() == name)?;
        found.normalized_value(XmlVersion::Explicit1_0).ok().map(std::borrow::Cow::into_owned)
    }

    /// The identifier in `r:id`, which stands beside a plain `id` in some elements.
    pub(super) fn relation(&self) -> Option<String> {
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        let linked = |name: &str| name.ends_with(":id");
        let found = attributes.flatten().find(|attribute| linked(attribute.key.into_inner()))?;
        found.normalized_value(XmlVersion::Explicit1_0).ok().map(std::borrow::Cow::into_owned)
    }

    /// The attribute as a number.
    pub(super) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.attr(name).and_then(|value| value.trim().parse().ok())
    }

    /// A switch such as `<w:vanish/>`: on, unless its value says otherwise.
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.attr("val").as_deref(), Some("0" | "false" | "off" | "none"))
    }
}

/// The tokens of one part.
pub(super) struct Xml<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    depth: usize,
    /// A document type is passed over, as e-books carry one; it defines nothing here.
    lenient: bool,
}

impl<'x> Xml<&'x [u8]> {
    pub(super) fn new(part: &'x [u8]) -> Self {
        Self::over(part)
    }

    pub(super) fn lenient(part: &'x [u8]) -> Self {
        Self { lenient: true, ..Self::over(part) }
    }

    pub(super) fn next(&mut self) -> Result<Token<'_>, ExtractError> {
        self.token()
    }
}

impl<'p, 'a> Xml<Stream<'p, 'a>> {
    /// A part too large to keep, read as it unpacks.
    pub(super) fn streamed(part: Stream<'p, 'a>) -> Self {
        Self::over(part)
    }

    pub(super) fn next(&mut self) -> Result<Token<'_>, ExtractError> {
        self.reader.get_mut().next_token();
        self.token()
    }
}

impl<R: BufRead> Xml<R> {
    fn over(part: R) -> Self {
        let mut reader = Reader::from_reader(part);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0, lenient: false }
    }

    fn token(&mut self) -> Result<Token<'_>, ExtractError> {
        self.buffer.clear();
        let event = self.reader.read_event_into(&mut self.buffer);
        match event.map_err(broken)? {
            Event::Start(start) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(ExtractError::Damaged(format!("its elements are nested more than {MAX_DEPTH} deep")));
                }
                Ok(Token::Open(Element(start)))
            }
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Token::Close(end.local_name().into_inner().to_owned()))
            }
            Event::Text(text) => Ok(Token::Text(text.xml10_content().into_owned())),
            Event::CData(text) => Ok(Token::Text(text.xml10_content().into_owned())),
            Event::GeneralRef(reference) => Ok(Token::Text(resolve(&reference))),
            Event::DocType(_) if !self.lenient => {
                Err(ExtractError::Damaged("it declares a document type, which office files never do".to_owned()))
            }
            Event::Eof if self.depth > 0 && !self.lenient => {
                Err(ExtractError::Damaged("one of its parts ends in the middle".to_owned()))
            }
            Event::Eof => Ok(Token::End),
            _ => Ok(Token::Text(String::new())),
        }
    }
}

fn broken(error: quick_xml::Error) -> ExtractError {
    match error {
        quick_xml::Error::Io(error) if error.kind() == ErrorKind::FileTooLarge => {
            ExtractError::TooLarge("it unpacks to more than may be read".to_owned())
        }
        error => ExtractError::Damaged(format!("its XML is broken ({error})")),
    }
}

/// The five names that XML itself defines, and numbers; nothing else is ever expanded.
fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    let name: &str = reference;
    quick_xml::escape::resolve_xml_entity(name).unwrap_or_default().to_owned()
}
