//! Which elements a reader of the page never sees, or sees only as its frame.

use scraper::node::Element;
use scraper::{ElementRef, Node};

/// Elements without text of the document.
const UNSEEN: &[&str] = &[
    "script", "style", "noscript", "template", "head", "svg", "math", "iframe", "object", "embed", "canvas", "audio",
    "video", "map", "select", "option", "datalist", "button", "input", "textarea", "progress", "meter", "dialog",
    "link", "meta", "title",
];
/// The frame of a page, and asides that belong to no paragraph.
const FRAME: &[&str] = &["nav", "aside", "footer"];
/// Text that its author withdrew.
const WITHDRAWN: &[&str] = &["del", "s", "strike"];

/// Whether nothing inside this element belongs to the text.
pub(super) fn is_skipped(element: &Element) -> bool {
    let name = element.name();
    let role = element.attr("role").unwrap_or_default();
    UNSEEN.contains(&name)
        || (FRAME.contains(&name) && !is_note(element))
        || is_withdrawn(element)
        || matches!(
            role,
            "navigation" | "banner" | "search" | "contentinfo" | "complementary" | "menu" | "menubar" | "toolbar"
        )
        || is_hidden(element)
}

/// Footnotes of e-books stand in asides.
fn is_note(element: &Element) -> bool {
    let kind = element.attr("epub:type").or_else(|| element.attr("role")).unwrap_or_default();
    ["footnote", "endnote", "rearnote"].iter().any(|note| kind.contains(note))
}

pub(super) fn is_withdrawn(element: &Element) -> bool {
    WITHDRAWN.contains(&element.name())
}

fn is_hidden(element: &Element) -> bool {
    let style: String = element
        .attr("style")
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    // "font-size:0.9em" is small, not hidden.
    let shrunk = |property: &str| {
        style.split(';').any(|rule| {
            rule.strip_prefix(property)
                .is_some_and(|value| value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%') == "0")
        })
    };
    element.attr("hidden").is_some()
        || element.attr("aria-hidden") == Some("true")
        || style.contains("display:none")
        || style.contains("visibility:hidden")
        || shrunk("font-size:")
        || shrunk("opacity:")
}

/// Characters of text under `root` that a reader sees.
pub(super) fn length(root: ElementRef<'_>) -> usize {
    let mut total = 0;
    let mut skipping = None;
    for edge in root.traverse() {
        match edge {
            ego_tree::iter::Edge::Open(node) if skipping.is_none() => match node.value() {
                Node::Element(element) if node.id() != root.id() && is_skipped(element) => skipping = Some(node.id()),
                Node::Text(text) => total += text.split_whitespace().map(str::len).sum::<usize>(),
                _ => {}
            },
            ego_tree::iter::Edge::Close(node) if skipping == Some(node.id()) => skipping = None,
            _ => {}
        }
    }
    total
}
