//! DOCX: the text as a reader of the final version sees it. Deleted, hidden and struck-through text
//! stays out; notes stand at the end; page headers and footers are no part of the text.

mod body;
mod numbering;
mod styles;

use super::archive::Package;
use super::{Source, opc};
use crate::ExtractError;
use crate::canonical::Canonical;
use numbering::Numbering;
use styles::Styles;

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut package = Package::open(source.bytes, canonical.limits())?;
    let main = opc::main_part(&mut package, "word/document.xml")?;
    let folder = main.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let document = opc::required(&mut package, &main)?;
    let styles = match package.part(&format!("{folder}styles.xml"))? {
        Some(part) => Styles::read(&part)?,
        None => Styles::default(),
    };
    let mut numbering = match package.part(&format!("{folder}numbering.xml"))? {
        Some(part) => Numbering::read(&part)?,
        None => Numbering::default(),
    };
    if let Some(title) = opc::core_title(&mut package)? {
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
