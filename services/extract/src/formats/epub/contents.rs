//! The table of contents: which file bears which name. New books have a page of links, old ones a
//! list of their own kind (NCX); many have both.

use super::super::archive::Package;
use super::super::xml::{Token, Xml};
use super::super::{decode, html};
use super::{Book, markup, path};
use crate::ExtractError;
use std::collections::HashMap;

/// File → name.
pub(super) fn read(book: &Book, package: &mut Package<'_>) -> Result<HashMap<String, String>, ExtractError> {
    let page = book.items.values().find(|item| item.is_contents);
    let old = book.toc.as_ref().and_then(|id| book.items.get(id));
    let old = old.or_else(|| book.items.values().find(|item| item.mime == "application/x-dtbncx+xml"));
    let (links, folder) = match (page, old) {
        (Some(item), _) => {
            let part = package.part(&item.path)?.unwrap_or_default();
            (html::contents(&markup::close_empty(&decode::decode(&part).0)), &item.path)
        }
        (None, Some(item)) => (ncx(&package.part(&item.path)?.unwrap_or_default())?, &item.path),
        (None, None) => return Ok(HashMap::new()),
    };
    let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut names = HashMap::new();
    for (target, name) in links {
        if !name.trim().is_empty() {
            // The first link to a file names it; later ones lead to places inside it.
            names.entry(path(folder, &target)).or_insert(name);
        }
    }
    Ok(names)
}

fn ncx(part: &[u8]) -> Result<Vec<(String, String)>, ExtractError> {
    let (mut links, mut name, mut in_text) = (Vec::new(), String::new(), false);
    let mut xml = Xml::lenient(part);
    loop {
        match xml.next()? {
            Token::Open(element) => match element.name() {
                "navPoint" => name.clear(),
                "text" => in_text = true,
                "content" => links.extend(element.attr("src").map(|target| (target, name.trim().to_owned()))),
                _ => {}
            },
            Token::Text(text) if in_text => name.push_str(&text),
            Token::Text(_) => {}
            Token::Close(name) if name == "text" => in_text = false,
            Token::Close(_) => {}
            Token::End => return Ok(links),
        }
    }
}
