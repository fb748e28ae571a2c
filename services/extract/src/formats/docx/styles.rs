//! Paragraph styles: which ones are headings, titles, table-of-contents lines or list items.

use crate::ExtractError;
use crate::formats::xml::{Token, Xml};
use std::collections::HashMap;

/// A style based on a style based on …: real chains are short.
const MAX_CHAIN: usize = 20;

/// What a style makes of its paragraphs.
#[derive(Clone, Debug, Default)]
pub(super) struct Style {
    /// 1 is the highest.
    pub(super) heading: Option<u8>,
    pub(super) is_title: bool,
    pub(super) is_contents: bool,
    /// Number definition and level of list styles.
    pub(super) list: Option<(String, u8)>,
    pub(super) is_hidden: bool,
    based_on: Option<String>,
}

/// The styles of a document by their id.
#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    pub(super) fn read(part: &[u8]) -> Result<Self, ExtractError> {
        let mut styles = HashMap::new();
        let mut open: Option<(String, Style)> = None;
        let mut xml = Xml::new(part);
        loop {
            match xml.next()? {
                Token::Open(element) => {
                    let value = element.attr("val");
                    match (element.name(), &mut open) {
                        ("style", _) => open = Some((element.attr("styleId").unwrap_or_default(), Style::default())),
                        ("name", Some((_, style))) => style.name(&value.unwrap_or_default().to_lowercase()),
                        ("basedOn", Some((_, style))) => style.based_on = value,
                        ("outlineLvl", Some((_, style))) => style.heading = style.heading.or(outline(value.as_deref())),
                        ("numId", Some((_, style))) => style.list.get_or_insert_default().0 = value.unwrap_or_default(),
                        ("ilvl", Some((_, style))) => {
                            style.list.get_or_insert_default().1 =
                                value.and_then(|level| level.parse().ok()).unwrap_or(0);
                        }
                        ("vanish", Some((_, style))) => style.is_hidden = element.is_on(),
                        _ => {}
                    }
                }
                Token::Close(name) if name == "style" => styles.extend(open.take()),
                Token::End => return Ok(Self(styles)),
                _ => {}
            }
        }
    }

    /// What the style `id` makes, its ancestors included.
    pub(super) fn get(&self, id: &str) -> Style {
        let mut found = Style::default();
        let mut next = Some(id);
        for _ in 0..MAX_CHAIN {
            let Some(style) = next.and_then(|id| self.0.get(id)) else { break };
            found.heading = found.heading.or(style.heading);
            found.is_title |= style.is_title;
            found.is_contents |= style.is_contents;
            found.is_hidden |= style.is_hidden;
            found.list = found.list.or_else(|| style.list.clone());
            next = style.based_on.as_deref();
        }
        found
    }
}

impl Style {
    /// Built-in styles keep their English names in every language of the program.
    fn name(&mut self, name: &str) {
        if let Some(level) = name.strip_prefix("heading ").and_then(|level| level.parse().ok()) {
            self.heading = Some(level);
        }
        self.is_title |= name == "title";
        self.is_contents |= name.starts_with("toc ");
    }
}

/// `outlineLvl` counts from 0; 9 means body text.
pub(super) fn outline(value: Option<&str>) -> Option<u8> {
    value.and_then(|value| value.parse::<u8>().ok()).filter(|level| *level < 9).map(|level| level + 1)
}
