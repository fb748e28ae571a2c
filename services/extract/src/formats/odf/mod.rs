//! OpenDocument: texts (ODT), sheets (ODS) and slides (ODP). All three keep everything that is read
//! here in one part, `content.xml`.

mod cells;
mod flow;
mod sheet;
mod styles;
mod table;

use super::archive::Package;
use super::xml::{Token, Xml};
use super::{Source, opc};
use crate::ExtractError;
use crate::canonical::Canonical;
use styles::Styles;

const CONTENT: &str = "content.xml";

pub(super) fn read_text(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let (mut package, styles) = open(source, canonical)?;
    flow::write(&opc::required(&mut package, CONTENT)?, &styles, canonical)
}

pub(super) fn read_slides(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    read_text(source, canonical)
}

pub(super) fn read_sheets(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let (mut package, styles) = open(source, canonical)?;
    canonical.parts_only();
    let missing = || ExtractError::Damaged(format!("its part {CONTENT} is missing"));
    sheet::write(package.stream(CONTENT)?.ok_or_else(missing)?, &styles, canonical)
}

/// The package, its title taken and its styles read.
fn open<'a>(source: &Source<'a>, canonical: &mut Canonical<'_>) -> Result<(Package<'a>, Styles), ExtractError> {
    let mut package = Package::open(source.bytes, canonical.limits())?;
    if let Some(manifest) = package.part("META-INF/manifest.xml")?
        && is_encrypted(&manifest)?
    {
        return Err(ExtractError::Encrypted);
    }
    if let Some(meta) = package.part("meta.xml")?
        && let Some(title) = opc::text_of(&meta, "title")?
    {
        canonical.title(&title);
    }
    let mut styles = Styles::default();
    if let Some(part) = package.part("styles.xml")? {
        styles.read(Xml::new(&part))?;
    }
    // The styles of the content come before it, and some (lists) are asked for out of order.
    if let Some(part) = package.stream(CONTENT)? {
        styles.read_streamed(part)?;
    }
    Ok((package, styles))
}

/// A password encrypts the parts, and the list of parts says so.
fn is_encrypted(manifest: &[u8]) -> Result<bool, ExtractError> {
    let mut xml = Xml::new(manifest);
    loop {
        match xml.next()? {
            Token::Open(element) if element.name() == "encryption-data" => return Ok(true),
            Token::End => return Ok(false),
            _ => {}
        }
    }
}
