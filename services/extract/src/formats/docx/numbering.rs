//! List numbers: Word stores rules, not numbers, so they are counted again here.

use crate::ExtractError;
use crate::formats::numerals::{letter, roman};
use crate::formats::xml::{Token, Xml};
use std::collections::HashMap;

const LEVELS: usize = 9;

#[derive(Clone, Debug, Default)]
struct Level {
    format: String,
    /// Such as "%1.%2." with the counters of the levels.
    text: String,
    start: u32,
}

/// The list definitions of a document, and how far each list has counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    definitions: HashMap<String, Vec<Level>>,
    /// List → its definition.
    lists: HashMap<String, String>,
    counters: HashMap<String, [Option<u32>; LEVELS]>,
}

impl Numbering {
    pub(super) fn read(part: &[u8]) -> Result<Self, ExtractError> {
        let mut numbering = Self::default();
        let (mut definition, mut list, mut level) = (None, None, 0);
        let mut xml = Xml::new(part);
        loop {
            match xml.next()? {
                Token::Open(element) => {
                    let value = || element.attr("val").unwrap_or_default();
                    match element.name() {
                        "abstractNum" => definition = element.attr("abstractNumId"),
                        "num" => list = element.attr("numId"),
                        "abstractNumId" => {
                            numbering.lists.extend(list.clone().map(|list| (list, value())));
                        }
                        "lvl" => level = element.attr("ilvl").and_then(|level| level.parse().ok()).unwrap_or(0),
                        name @ ("numFmt" | "lvlText" | "start") => {
                            if let Some(rule) = numbering.level(definition.as_deref(), level) {
                                match name {
                                    "numFmt" => rule.format = value(),
                                    "lvlText" => rule.text = value(),
                                    _ => rule.start = value().parse().unwrap_or(1),
                                }
                            }
                        }
                        _ => {}
                    }
                }
                Token::Close(name) => match name.as_str() {
                    "abstractNum" => definition = None,
                    "num" => list = None,
                    _ => {}
                },
                Token::End => return Ok(numbering),
                Token::Text(_) => {}
            }
        }
    }

    fn level(&mut self, definition: Option<&str>, level: usize) -> Option<&mut Level> {
        let fresh = || vec![Level { start: 1, ..Level::default() }; LEVELS];
        self.definitions.entry(definition?.to_owned()).or_insert_with(fresh).get_mut(level)
    }

    /// The marker of the next item of `list` at `level`; None where the paragraph is in no list.
    pub(super) fn next(&mut self, list: &str, level: u8) -> Option<String> {
        if list == "0" {
            return None;
        }
        let level = usize::from(level).min(LEVELS - 1);
        let Some(rules) = self.lists.get(list).and_then(|definition| self.definitions.get(definition)) else {
            return Some("-".to_owned());
        };
        let counters = self.counters.entry(list.to_owned()).or_default();
        counters[level] = Some(counters[level].map_or(rules[level].start, |count| count.saturating_add(1)));
        counters[level + 1..].fill(None);
        if matches!(rules[level].format.as_str(), "bullet" | "none" | "") {
            return Some("-".to_owned());
        }
        let mut marker = rules[level].text.clone();
        for (at, rule) in rules.iter().enumerate() {
            let count = counters[at].unwrap_or(rule.start);
            marker = marker.replace(&format!("%{}", at + 1), &figure(count, &rule.format));
        }
        Some(if marker.chars().any(char::is_alphanumeric) { marker } else { "-".to_owned() })
    }
}

fn figure(count: u32, format: &str) -> String {
    match format {
        "lowerLetter" => letter(count).to_lowercase(),
        "upperLetter" => letter(count),
        "lowerRoman" => roman(count).to_lowercase(),
        "upperRoman" => roman(count),
        _ => count.to_string(),
    }
}
