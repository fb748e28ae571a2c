//! EPUB: the chapters in reading order, each a page under its name in the table of contents, through
//! the same walk as web pages. Books locked to a reader's account are refused.

mod contents;
mod markup;

use super::archive::Package;
use super::xml::{Token, Xml};
use super::{Source, decode, html, opc};
use crate::ExtractError;
use crate::canonical::Canonical;
use std::collections::HashMap;

/// Scrambled fonts are no lock: the texts beside them are open.
const FONT_SCRAMBLERS: &[&str] = &["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];
/// Files that one book may name.
const MAX_ITEMS: usize = 20_000;

/// The package document: what the book consists of, and in which order.
#[derive(Default)]
struct Book {
    /// Identifier → file.
    items: HashMap<String, Item>,
    spine: Vec<String>,
    /// The identifier of the old table of contents.
    toc: Option<String>,
}

struct Item {
    path: String,
    mime: String,
    is_contents: bool,
}

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut package = Package::open(source.bytes, canonical.limits())?;
    if is_locked(&mut package)? {
        return Err(ExtractError::Encrypted);
    }
    let root = root(&opc::required(&mut package, "META-INF/container.xml")?)?;
    let opf = opc::required(&mut package, &root)?;
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    let book = Book::read(&opf, folder)?;
    if let Some(title) = opc::text_of(&opf, "title")? {
        canonical.title(&title);
    }
    let names = contents::read(&book, &mut package)?;
    let chapters = book.spine.iter().filter_map(|id| book.items.get(id)).filter(|item| item.is_chapter());
    for (number, item) in (1_u32..).zip(chapters) {
        canonical.allow_page(number, "chapters")?;
        canonical.page(number);
        canonical.break_group();
        let Some(bytes) = package.part(&item.path)? else {
            canonical.warn(format!("The chapter {} is missing from the file.", item.path));
            continue;
        };
        let (text, _) = decode::decode(&bytes);
        drop(bytes);
        html::chapter(&markup::close_empty(&text), names.get(&item.path).map(String::as_str), canonical)?;
    }
    Ok(())
}

impl Item {
    fn is_chapter(&self) -> bool {
        !self.is_contents && (self.mime.contains("html") || self.path.ends_with("html"))
    }
}

impl Book {
    fn read(opf: &[u8], folder: &str) -> Result<Self, ExtractError> {
        let mut book = Self::default();
        let mut xml = Xml::lenient(opf);
        loop {
            match xml.next()? {
                Token::Open(element) => match element.name() {
                    "item" if book.items.len() < MAX_ITEMS => {
                        let (Some(id), Some(href)) = (element.attr("id"), element.attr("href")) else { continue };
                        let is_contents =
                            element.attr("properties").is_some_and(|all| all.split(' ').any(|p| p == "nav"));
                        let mime = element.attr("media-type").unwrap_or_default();
                        book.items.insert(id, Item { path: path(folder, &href), mime, is_contents });
                    }
                    "spine" => book.toc = element.attr("toc"),
                    "itemref" if book.spine.len() < MAX_ITEMS => book.spine.extend(element.attr("idref")),
                    _ => {}
                },
                Token::End => return Ok(book),
                _ => {}
            }
        }
    }
}

/// The file that a link leads to, without the place inside it. Links out of the book lead nowhere.
fn path(folder: &str, href: &str) -> String {
    let href = href.split(['#', '?']).next().unwrap_or_default();
    opc::resolve(folder, &unescape(href))
}

/// "%20" is a space in the name of the file.
fn unescape(href: &str) -> String {
    let mut bytes = Vec::with_capacity(href.len());
    let mut rest = href.as_bytes();
    while let [byte, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| *byte == b'%') {
            Some(code) => {
                bytes.push(code);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first package document of the container.
fn root(container: &[u8]) -> Result<String, ExtractError> {
    let mut xml = Xml::lenient(container);
    loop {
        match xml.next()? {
            Token::Open(element) if element.name() == "rootfile" => {
                if let Some(root) = element.attr("full-path") {
                    return Ok(root);
                }
            }
            Token::End => return Err(ExtractError::Damaged("it does not say where the book begins".to_owned())),
            _ => {}
        }
    }
}

/// Whether chapters are encrypted for one reader (DRM).
fn is_locked(package: &mut Package<'_>) -> Result<bool, ExtractError> {
    let Some(part) = package.part("META-INF/encryption.xml")? else { return Ok(false) };
    let mut xml = Xml::lenient(&part);
    loop {
        match xml.next()? {
            Token::Open(element) if element.name() == "EncryptionMethod" => {
                let method = element.attr("Algorithm").unwrap_or_default();
                if !FONT_SCRAMBLERS.contains(&method.as_str()) {
                    return Ok(true);
                }
            }
            Token::End => return Ok(false),
            _ => {}
        }
    }
}
