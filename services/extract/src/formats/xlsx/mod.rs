//! XLSX: each sheet is a page, under a heading with its name; cells as the sheet shows them. Sheets
//! are read while they unpack, so that neither their size nor a cell at their far end costs memory.

mod numfmt;
mod sheet;
mod strings;
mod styles;

use super::archive::Package;
use super::xml::{Token, Xml};
use super::{Source, opc};
use crate::ExtractError;
use crate::canonical::Canonical;

pub(super) use numfmt::general;
use strings::Strings;
use styles::Styles;

/// What the cells of all sheets refer to.
struct Book {
    strings: Strings,
    styles: Styles,
    /// Days are counted from 1904, as on old Macintosh computers.
    from_1904: bool,
}

struct SheetRef {
    name: String,
    relation: String,
    hidden: bool,
}

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut package = Package::open(source.bytes, canonical.limits())?;
    let main = opc::main_part(&mut package, "xl/workbook.xml")?;
    let (sheets, from_1904) = workbook(&opc::required(&mut package, &main)?)?;
    let relations = opc::relations(&mut package, &main)?;
    let target =
        |kind: &str| relations.iter().find(|relation| relation.kind == kind).map(|found| found.target.as_str());
    let most = canonical.limits().max_part_bytes();
    let strings = match target("sharedStrings").map(|part| package.stream(part)).transpose()?.flatten() {
        Some(part) => Strings::read(part, most)?,
        None => Strings::default(),
    };
    let styles = match target("styles").map(|part| package.part(part)).transpose()?.flatten() {
        Some(part) => Styles::read(&part)?,
        None => Styles::default(),
    };
    if let Some(title) = opc::core_title(&mut package)? {
        canonical.title(&title);
    }
    canonical.parts_only();
    let book = Book { strings, styles, from_1904 };
    let mut hidden = Vec::new();
    for (number, sheet) in (1_u32..).zip(&sheets) {
        canonical.allow_page(number, "sheets")?;
        let found = relations.iter().find(|relation| relation.id == sheet.relation);
        // Sheets that hold a chart or a macro have no cells.
        let Some(found) = found.filter(|relation| relation.kind == "worksheet") else { continue };
        let merged = match package.stream(&found.target)? {
            Some(part) => sheet::merges(part)?,
            None => {
                canonical.warn(format!("The sheet \"{}\" is missing from the file.", sheet.name));
                continue;
            }
        };
        let Some(part) = package.stream(&found.target)? else { continue };
        if sheet::write(part, (number, &sheet.name), merged, &book, canonical)? && sheet.hidden {
            hidden.push(format!("\"{}\"", sheet.name));
        }
    }
    if !hidden.is_empty() {
        canonical.warn(format!("Hidden sheets are part of the text: {}.", hidden.join(", ")));
    }
    Ok(())
}

fn workbook(part: &[u8]) -> Result<(Vec<SheetRef>, bool), ExtractError> {
    let (mut xml, mut sheets, mut from_1904) = (Xml::new(part), Vec::new(), false);
    loop {
        match xml.next()? {
            Token::Open(element) => match element.name() {
                "workbookPr" => {
                    from_1904 = element.attr("date1904").is_some_and(|on| matches!(on.as_str(), "1" | "true"));
                }
                "sheet" => sheets.push(SheetRef {
                    name: element.attr("name").unwrap_or_default(),
                    relation: element.relation().unwrap_or_default(),
                    hidden: element.attr("state").is_some_and(|state| state != "visible"),
                }),
                _ => {}
            },
            Token::End => return Ok((sheets, from_1904)),
            _ => {}
        }
    }
}
