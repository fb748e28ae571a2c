//! The walk over a page: elements open and close blocks, texts fill them. Iterative, so that the
//! nesting of a page costs no stack.

use super::table::{self, Table};
use super::visible;
use crate::ExtractError;
use crate::canonical::Canonical;
use crate::limits::MAX_DEPTH;
use ego_tree::iter::Edge;
use scraper::node::Element;
use scraper::{ElementRef, Node};

/// Elements that stand in a line of text; every other one ends the block before it.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "dfn", "em", "font", "i", "img", "ins",
    "kbd", "label", "mark", "nobr", "output", "picture", "q", "rp", "rt", "ruby", "samp", "small", "source", "span",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
];

/// Writes the blocks under `root`.
pub(super) fn write(root: ElementRef<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut walk =
        Walk { canonical, inline: String::new(), heading: None, pre: 0, lists: Vec::new(), marker: None, table: None };
    let (mut skipping, mut depth) = (None, 0_usize);
    for edge in root.traverse() {
        match edge {
            Edge::Open(node) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(ExtractError::Damaged(format!("its elements are nested more than {MAX_DEPTH} deep")));
                }
                match node.value() {
                    _ if skipping.is_some() => {}
                    Node::Element(element)
                        if node.id() != root.id() && (visible::is_skipped(element) || is_banner(node)) =>
                    {
                        skipping = Some(node.id());
                        walk.skip(element)?;
                    }
                    Node::Element(element) => walk.open(element, ElementRef::wrap(node))?,
                    Node::Text(text) => walk.text(text),
                    _ => {}
                }
            }
            Edge::Close(node) => {
                depth -= 1;
                match node.value() {
                    _ if skipping == Some(node.id()) => skipping = None,
                    Node::Element(element) if skipping.is_none() => walk.close(element)?,
                    _ => {}
                }
            }
        }
    }
    walk.flush()
}

/// The head of the site, unless the page's own heading stands in it.
fn is_banner(node: ego_tree::NodeRef<'_, Node>) -> bool {
    let named = |node: &ego_tree::NodeRef<'_, Node>, name: &str| {
        node.value().as_element().is_some_and(|element| element.name() == name)
    };
    named(&node, "header")
        && node.parent().is_some_and(|parent| named(&parent, "body"))
        && !node.descendants().any(|inner| named(&inner, "h1"))
}

struct Walk<'w, 'l> {
    canonical: &'w mut Canonical<'l>,
    inline: String,
    heading: Option<u8>,
    /// Open `pre` elements: inside them white space is text.
    pre: usize,
    /// The next number of each open list; None where it has bullets.
    lists: Vec<Option<u64>>,
    marker: Option<String>,
    /// The table of data that is open; such tables do not nest.
    table: Option<Table>,
}

impl Walk<'_, '_> {
    fn skip(&mut self, element: &Element) -> Result<(), ExtractError> {
        if visible::is_withdrawn(element) {
            self.canonical.warn("Struck-through text was left out.");
            return Ok(());
        }
        if self.table.is_none() { self.flush() } else { Ok(()) }
    }

    fn open(&mut self, element: &Element, node: Option<ElementRef<'_>>) -> Result<(), ExtractError> {
        let name = element.name();
        if INLINE.contains(&name) {
            return Ok(());
        }
        if self.table.is_some() {
            if name != "caption" {
                self.inline.push(' ');
            }
            return Ok(());
        }
        if name == "br" {
            self.inline.push('\n');
            return Ok(());
        }
        self.flush()?;
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading = name[1..].parse().ok(),
            "pre" => self.pre += 1,
            "ul" | "menu" => self.open_list(None),
            "ol" => self.open_list(Some(element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1))),
            "li" => {
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(next)) => {
                        let number = *next;
                        *next = number.saturating_add(1);
                        format!("{number}.")
                    }
                    _ => "-".to_owned(),
                });
            }
            "table" if node.is_some_and(table::holds_data) => self.table = Some(Table::default()),
            _ => {}
        }
        Ok(())
    }

    fn open_list(&mut self, start: Option<u64>) {
        if self.lists.is_empty() {
            self.canonical.break_group();
        }
        self.lists.push(start);
    }

    fn close(&mut self, element: &Element) -> Result<(), ExtractError> {
        let name = element.name();
        if INLINE.contains(&name) || name == "br" {
            return Ok(());
        }
        if self.table.is_some() {
            return self.close_in_table(element);
        }
        self.flush()?;
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading = None,
            "pre" => self.pre = self.pre.saturating_sub(1),
            "ul" | "ol" | "menu" => {
                self.lists.pop();
                self.marker = None;
                if self.lists.is_empty() {
                    self.canonical.break_group();
                }
            }
            "li" => self.marker = None,
            _ => {}
        }
        Ok(())
    }

    fn close_in_table(&mut self, element: &Element) -> Result<(), ExtractError> {
        let Some(table) = self.table.as_mut() else { return Ok(()) };
        match element.name() {
            "td" | "th" => {
                table.cell(std::mem::take(&mut self.inline), element.attr("rowspan"));
                Ok(())
            }
            "tr" => {
                let (cells, first) = table.end_row();
                self.inline.clear();
                self.canonical.row(&cells, first)
            }
            "caption" => self.canonical.paragraph(&std::mem::take(&mut self.inline)),
            "table" => {
                self.table = None;
                self.inline.clear();
                self.canonical.break_group();
                Ok(())
            }
            _ => {
                self.inline.push(' ');
                Ok(())
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.pre > 0 {
            self.inline.push_str(text);
        } else {
            // Line ends of the source are spaces on the page.
            self.inline.extend(text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t' | '\u{0C}') { ' ' } else { c }));
        }
    }

    fn flush(&mut self) -> Result<(), ExtractError> {
        let text = std::mem::take(&mut self.inline);
        if text.trim().is_empty() {
            return Ok(());
        }
        match (self.heading, self.marker.take()) {
            (Some(level), _) => self.canonical.heading(level, &text),
            _ if self.pre > 0 => self.canonical.code(&text),
            (None, Some(marker)) => self.canonical.item(&marker, &text),
            (None, None) => self.canonical.paragraph(&text),
        }
    }
}
