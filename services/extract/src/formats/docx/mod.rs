//! DOCX: the text as a reader of the final version sees it. Deleted, hidden and struck-through text
//! stays out; notes stand at the end; page headers and footers are no part of the text.

mod body;
mod numbering;
mod styles;

use super::Source;
use super::archive::Package;
use super::xml::{Token, Xml};
use crate::ExtractError;
use crate::canonical::Canonical;
use numbering::Numbering;
use styles::Styles;

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut package = Package::open(source.bytes, canonical.limits())?;
    let main = main_part(&mut package)?;
    let folder = main.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let missing = || ExtractError::Damaged(format!("its part {main} is missing"));
    let document = package.part(&main)?.ok_or_else(missing)?;
    let styles = match package.part(&format!("{folder}styles.xml"))? {
        Some(part) => Styles::read(&part)?,
        None => Styles::default(),
    };
    let mut numbering = match package.part(&format!("{folder}numbering.xml"))? {
        Some(part) => Numbering::read(&part)?,
        None => Numbering::default(),
    };
    if let Some(title) = package.part("docProps/core.xml")?.map(|part| core_title(&part)).transpose()?.flatten() {
        canonical.title(&title);
    }
    body::write(&document, &styles, &mut numbering, canonical)?;
    drop(document);
    for notes in ["footnotes.xml", "endnotes.xml"] {
        if let Some(part) = package.part(&format!("{folder}{notes}"))? {
            canonical.break_group();
            body::write(&part, &styles, &mut numbering, canonical)?;
        }
    }
    Ok(())
}

/// The part that the package's relations name as its document.
fn main_part(package: &mut Package<'_>) -> Result<String, ExtractError> {
    if let Some(relations) = package.part("_rels/.rels")? {
        let mut xml = Xml::new(&relations);
        loop {
            match xml.next()? {
                Token::Open(element) if element.name() == "Relationship" => {
                    let document = element.attr("Type").is_some_and(|kind| kind.ends_with("/officeDocument"));
                    if let (true, Some(target)) = (document, element.attr("Target")) {
                        return Ok(target.trim_start_matches('/').to_owned());
                    }
                }
                Token::End => break,
                _ => {}
            }
        }
    }
    Ok("word/document.xml".to_owned())
}

fn core_title(part: &[u8]) -> Result<Option<String>, ExtractError> {
    let mut xml = Xml::new(part);
    let mut title: Option<String> = None;
    let mut inside = false;
    loop {
        match xml.next()? {
            Token::Open(element) => inside = element.name() == "title",
            Token::Text(text) if inside => title.get_or_insert_default().push_str(&text),
            Token::Close(_) => inside = false,
            Token::End => return Ok(title),
            Token::Text(_) => {}
        }
    }
}
