//! HTML: the text that a reader of the page sees, without navigation, scripts and hidden parts.

mod table;
mod visible;
mod walk;

use super::{Source, decode};
use crate::ExtractError;
use crate::canonical::Canonical;
use crate::clean;
use scraper::{ElementRef, Html, Selector};

/// Main content shorter than this share of the page's text was chosen wrongly.
const MAIN_SHARE: usize = 4;
/// Between the title of a page and the name of its site.
const SEPARATORS: [char; 8] = ['·', '|', '–', '—', '-', '•', '»', ':'];

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let declared = declared_encoding(source.bytes);
    let (text, guessed) = decode::decode_as(source.bytes, declared.as_deref());
    if let Some(encoding) = guessed {
        canonical.warn(format!("The encoding is not declared; the page was read as {encoding}."));
    }
    let page = Html::parse_document(&text);
    title(&page, canonical);
    let body = first(&page, "body").unwrap_or_else(|| page.root_element());
    walk::write(main_content(&page, body), canonical)?;
    Ok(())
}

/// The page's title. Sites add their name to it ("Leave · Intranet"): then the heading says it better.
fn title(page: &Html, canonical: &mut Canonical<'_>) {
    let text = |selector: &str| first(page, selector).map(|found| clean::one_line(&found.text().collect::<String>()));
    let Some(title) = text("head > title").or_else(|| text("title")) else { return };
    let heading = text("h1").filter(|heading| !heading.is_empty());
    let rest =
        heading.as_deref().and_then(|heading| title.strip_prefix(heading).or_else(|| title.strip_suffix(heading)));
    let site = rest.is_some_and(|rest| rest.trim().starts_with(SEPARATORS) || rest.trim().ends_with(SEPARATORS));
    canonical.title(if site { heading.as_deref().unwrap_or(&title) } else { &title });
}

/// Markup inside another format, such as an HTML block of Markdown.
pub(super) fn fragment(markup: &str, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    walk::write(Html::parse_fragment(markup).root_element(), canonical)
}

/// A chapter of an e-book: its whole body. Its name in the table of contents stands above it where it
/// has no heading of its own.
pub(super) fn chapter(markup: &str, name: Option<&str>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let page = Html::parse_document(markup);
    let body = first(&page, "body").unwrap_or_else(|| page.root_element());
    let heading = first(&page, "h1, h2, h3, h4, h5, h6").map(|heading| heading.text().collect::<String>());
    if let Some(name) = name.or(heading.as_deref()) {
        canonical.label(name);
    }
    if let (Some(name), None) = (name, &heading)
        && visible::length(body) > 0
    {
        canonical.heading(1, name)?;
    }
    walk::write(body, canonical)
}

/// The links of the first list of contents, as (target, text).
pub(super) fn contents(markup: &str) -> Vec<(String, String)> {
    let page = Html::parse_document(markup);
    let Some(contents) = first(&page, "nav") else { return Vec::new() };
    let Ok(links) = Selector::parse("a[href]") else { return Vec::new() };
    let link =
        |link: ElementRef<'_>| Some((link.attr("href")?.to_owned(), clean::one_line(&link.text().collect::<String>())));
    contents.select(&links).filter_map(link).collect()
}

/// `main`, else a lone `article`, else the body; never a part that leaves out most of the text.
fn main_content<'p>(page: &'p Html, body: ElementRef<'p>) -> ElementRef<'p> {
    let mains = all(page, "main, [role=main]");
    let articles = all(page, "article");
    let candidate = match (mains.as_slice(), articles.as_slice()) {
        ([main, ..], _) => *main,
        ([], [article]) => *article,
        _ => return body,
    };
    if visible::length(candidate) * MAIN_SHARE >= visible::length(body) { candidate } else { body }
}

fn all<'p>(page: &'p Html, selector: &str) -> Vec<ElementRef<'p>> {
    Selector::parse(selector).map(|selector| page.select(&selector).collect()).unwrap_or_default()
}

fn first<'p>(page: &'p Html, selector: &str) -> Option<ElementRef<'p>> {
    all(page, selector).into_iter().next()
}

/// The label in `<meta charset=…>` or `<?xml encoding=…?>`, which stand within the first bytes.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    let at = head.find("charset=").map(|at| at + 8).or_else(|| head.find("encoding=").map(|at| at + 9))?;
    let label: String = head[at..]
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    (!label.is_empty()).then_some(label)
}
