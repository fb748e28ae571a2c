//! What the head of an RTF file says: code pages of fonts, and styles that are headings.

use super::codepage::CodePage;
use std::collections::HashMap;

/// Fonts and styles of one document.
const MAX_ENTRIES: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Fonts {
    pages: HashMap<i32, CodePage>,
    open: i32,
}

impl Fonts {
    pub(super) fn word(&mut self, name: &str, number: i32) {
        match name {
            "f" => self.open = number,
            _ if self.pages.len() >= MAX_ENTRIES => {}
            "fcharset" => {
                if let Some(page) = CodePage::of_charset(number) {
                    self.pages.insert(self.open, page);
                }
            }
            "cpg" => drop(self.pages.insert(self.open, CodePage::numbered(number))),
            _ => {}
        }
    }

    pub(super) fn get(&self, font: i32) -> Option<CodePage> {
        self.pages.get(&font).copied()
    }
}

/// What a style makes of its paragraphs.
#[derive(Clone, Debug, Default)]
pub(super) struct Style {
    pub(super) heading: Option<u8>,
    pub(super) is_title: bool,
    /// A line of the table of contents, which repeats the headings.
    pub(super) is_contents: bool,
}

#[derive(Debug, Default)]
pub(super) struct Styles {
    styles: HashMap<i32, Style>,
    open: Option<i32>,
    style: Style,
    name: String,
}

impl Styles {
    pub(super) fn word(&mut self, name: &str, number: Option<i32>) {
        match (name, number) {
            ("s", Some(number)) => self.open = Some(number),
            ("outlinelevel", Some(level)) => self.style.heading = outline(level),
            // Styles of characters and sections share the table.
            ("cs" | "ds" | "ts", _) => self.open = None,
            _ => {}
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.name.push_str(text);
    }

    /// The end of one style.
    pub(super) fn close(&mut self) {
        let name = std::mem::take(&mut self.name).trim().trim_end_matches(';').to_lowercase();
        let mut style = std::mem::take(&mut self.style);
        style.is_title = name == "title";
        style.is_contents = name.starts_with("toc ");
        style.heading = style.heading.or_else(|| name.strip_prefix("heading ")?.parse().ok());
        // The style without a number is style 0.
        let number = self.open.take().unwrap_or(0);
        if self.styles.len() < MAX_ENTRIES {
            self.styles.entry(number).or_insert(style);
        }
    }

    pub(super) fn get(&self, number: i32) -> Style {
        self.styles.get(&number).cloned().unwrap_or_default()
    }
}

/// `outlinelevel` counts from 0; 9 means body text.
pub(super) fn outline(level: i32) -> Option<u8> {
    u8::try_from(level).ok().filter(|level| *level < 9).map(|level| level + 1)
}
