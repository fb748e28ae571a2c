//! Styles: which ones hide or strike text, name the document, number lists, hide sheets and slides.

use super::super::archive::Stream;
use super::super::numerals;
use super::super::xml::{Element, Token, Xml};
use crate::ExtractError;
use std::collections::HashMap;

/// Levels of a list.
pub(super) const LEVELS: usize = 10;
/// A style based on a style based on …: real chains are short.
const MAX_CHAIN: usize = 20;
/// Styles of one document.
const MAX_STYLES: usize = 100_000;

/// What a style makes of what bears it.
#[derive(Clone, Debug, Default)]
pub(super) struct Style {
    parent: Option<String>,
    pub(super) is_title: bool,
    /// Text, a sheet or a slide that nobody is shown.
    pub(super) hidden: Option<bool>,
    pub(super) struck: Option<bool>,
    pub(super) list: Option<String>,
}

/// How one level of a list is marked.
#[derive(Clone, Debug, Default)]
struct Level {
    /// "1", "a", "I"; empty where items have bullets.
    format: String,
    before: String,
    after: String,
    start: Option<u32>,
    /// How many levels the number shows.
    shown: usize,
}

#[derive(Debug, Default)]
pub(super) struct Styles {
    styles: HashMap<String, Style>,
    lists: HashMap<String, Vec<Level>>,
    open: Option<(String, Style)>,
    list: Option<String>,
}

impl Styles {
    /// Takes in the styles of a part that was read whole.
    pub(super) fn read(&mut self, mut xml: Xml<&[u8]>) -> Result<(), ExtractError> {
        while self.take(xml.next()?) {}
        Ok(())
    }

    /// Takes in the styles at the head of a part.
    pub(super) fn read_streamed(&mut self, part: Stream<'_, '_>) -> Result<(), ExtractError> {
        let mut xml = Xml::streamed(part);
        while self.take(xml.next()?) {}
        Ok(())
    }

    /// Whether more styles may follow.
    fn take(&mut self, token: Token<'_>) -> bool {
        match token {
            Token::Open(element) if element.name() == "body" => return false,
            Token::Open(element) => self.open(&element),
            Token::Close(name) if name == "style" => {
                self.styles.extend(self.open.take().filter(|_| self.styles.len() < MAX_STYLES))
            }
            Token::Close(name) if matches!(name.as_str(), "list-style" | "outline-style") => self.list = None,
            Token::End => return false,
            _ => {}
        }
        true
    }

    fn open(&mut self, element: &Element<'_>) {
        let list = element.attr("list-style-name").filter(|name| !name.is_empty());
        match (element.name(), &mut self.open) {
            ("style", _) => {
                let name = element.attr("name").unwrap_or_default();
                let key = key(&element.attr("family").unwrap_or_default(), &name);
                let is_title = name == "Title";
                let parent = element.attr("parent-style-name");
                self.open = Some((key, Style { parent, is_title, list, ..Style::default() }));
            }
            ("text-properties", Some((_, style))) => {
                style.hidden = element.attr("display").map(|display| display == "none").or(style.hidden);
                style.struck = element.attr("text-line-through-style").map(|line| line != "none").or(style.struck);
            }
            ("table-properties", Some((_, style))) => {
                style.hidden = element.attr("display").map(|display| display == "false").or(style.hidden);
            }
            ("drawing-page-properties", Some((_, style))) => {
                style.hidden = element.attr("visibility").map(|seen| seen == "hidden").or(style.hidden);
            }
            ("list-style", _) => {
                self.list = element.attr("name").filter(|_| self.lists.len() < MAX_STYLES);
                if let Some(name) = &self.list {
                    self.lists.insert(name.clone(), vec![Level::default(); LEVELS]);
                }
            }
            ("list-level-style-number", _) => self.number(element),
            _ => {}
        }
    }

    fn number(&mut self, element: &Element<'_>) {
        let level: usize = element.number("level").unwrap_or(1);
        let rules = self.list.as_ref().and_then(|list| self.lists.get_mut(list));
        let Some(rule) = rules.and_then(|rules| rules.get_mut(level.saturating_sub(1))) else { return };
        *rule = Level {
            format: element.attr("num-format").unwrap_or_default(),
            before: element.attr("num-prefix").unwrap_or_default(),
            after: element.attr("num-suffix").unwrap_or_default(),
            start: element.number("start-value"),
            shown: element.number("display-levels").unwrap_or(1),
        };
    }

    /// What the style makes, its ancestors included.
    pub(super) fn get(&self, family: &str, name: &str) -> Style {
        let mut found = Style::default();
        let mut next = Some(name.to_owned());
        for _ in 0..MAX_CHAIN {
            let Some(style) = next.and_then(|name| self.styles.get(&key(family, &name))) else { break };
            found.is_title |= style.is_title;
            found.hidden = found.hidden.or(style.hidden);
            found.struck = found.struck.or(style.struck);
            found.list = found.list.or_else(|| style.list.clone());
            next = style.parent.clone();
        }
        found
    }

    /// The first number of a list at `level`.
    pub(super) fn start(&self, list: &str, level: usize) -> u32 {
        self.lists.get(list).and_then(|rules| rules.get(level)).and_then(|rule| rule.start).unwrap_or(1)
    }

    /// The marker of an item; `counts` holds the number reached at each level.
    pub(super) fn marker(&self, list: &str, level: usize, counts: &[u32]) -> String {
        let Some(rules) = self.lists.get(list) else { return "-".to_owned() };
        let Some(rule) = rules.get(level).filter(|rule| !rule.format.is_empty()) else { return "-".to_owned() };
        let from = (level + 1).saturating_sub(rule.shown.max(1));
        let figures: Vec<String> = (from..=level)
            .filter_map(|at| Some(figure(*counts.get(at)?, &rules.get(at)?.format)))
            .filter(|figure| !figure.is_empty())
            .collect();
        let marker = format!("{}{}{}", rule.before.trim(), figures.join("."), rule.after.trim());
        if marker.ends_with(|c: char| c.is_alphanumeric()) { format!("{marker}.") } else { marker }
    }
}

fn key(family: &str, name: &str) -> String {
    format!("{family}:{name}")
}

fn figure(count: u32, format: &str) -> String {
    match format {
        "" => String::new(),
        "a" => numerals::letter(count).to_lowercase(),
        "A" => numerals::letter(count),
        "i" => numerals::roman(count).to_lowercase(),
        "I" => numerals::roman(count),
        _ => count.to_string(),
    }
}
