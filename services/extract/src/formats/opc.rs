//! What all Office packages share: relations between parts, the main part, the title. Relations to
//! anything outside the package are left alone.

use super::archive::Package;
use super::xml::{Token, Xml};
use crate::ExtractError;

/// Relations of one part: real ones stay in the hundreds.
const MAX_RELATIONS: usize = 20_000;

/// An arrow from one part to another.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) id: String,
    /// The last word of its type, such as "slide".
    pub(super) kind: String,
    /// The name of the part that it leads to.
    pub(super) target: String,
}

/// The relations of `part` ("" is the package itself) to other parts.
pub(super) fn relations(package: &mut Package<'_>, part: &str) -> Result<Vec<Relation>, ExtractError> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let slash = if folder.is_empty() { "" } else { "/" };
    let Some(bytes) = package.part(&format!("{folder}{slash}_rels/{name}.rels"))? else { return Ok(Vec::new()) };
    let (mut xml, mut found) = (Xml::new(&bytes), Vec::new());
    loop {
        match xml.next()? {
            Token::Open(element) if element.name() == "Relationship" => {
                let outside = element.attr("TargetMode").is_some_and(|mode| mode.eq_ignore_ascii_case("external"));
                let (Some(id), Some(target)) = (element.attr("Id"), element.attr("Target")) else { continue };
                if outside {
                    continue;
                }
                if found.len() == MAX_RELATIONS {
                    return Err(ExtractError::TooLarge(format!("one part leads to more than {MAX_RELATIONS} others")));
                }
                let kind = element.attr("Type").unwrap_or_default();
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                found.push(Relation { id, kind, target: resolve(folder, &target) });
            }
            Token::End => return Ok(found),
            _ => {}
        }
    }
}

/// `target` as seen from `folder`. The result is a name inside the archive and nothing else.
pub(super) fn resolve(folder: &str, target: &str) -> String {
    let (mut steps, target) = match target.strip_prefix('/') {
        Some(absolute) => (Vec::new(), absolute),
        None => (folder.split('/').filter(|step| !step.is_empty()).collect(), target),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// The part that the package names as its document, else `usual`.
pub(super) fn main_part(package: &mut Package<'_>, usual: &str) -> Result<String, ExtractError> {
    let named = relations(package, "")?.into_iter().find(|relation| relation.kind == "officeDocument");
    Ok(named.map_or_else(|| usual.to_owned(), |relation| relation.target))
}

/// The part `name`, which the package cannot do without.
pub(super) fn required(package: &mut Package<'_>, name: &str) -> Result<Vec<u8>, ExtractError> {
    package.part(name)?.ok_or_else(|| ExtractError::Damaged(format!("its part {name} is missing")))
}

/// The title in the properties of the document.
pub(super) fn core_title(package: &mut Package<'_>) -> Result<Option<String>, ExtractError> {
    match package.part("docProps/core.xml")? {
        Some(part) => text_of(&part, "title"),
        None => Ok(None),
    }
}

/// The text of the first element with this local name.
pub(super) fn text_of(part: &[u8], name: &str) -> Result<Option<String>, ExtractError> {
    let mut xml = Xml::lenient(part);
    let mut text: Option<String> = None;
    let mut inside = false;
    loop {
        match xml.next()? {
            Token::Open(element) => inside = text.is_none() && element.name() == name,
            Token::Text(more) if inside => text.get_or_insert_default().push_str(&more),
            Token::Close(_) => inside = false,
            Token::End => return Ok(text),
            Token::Text(_) => {}
        }
    }
}
