//! Packages made within a test, of a few parts.

use std::io::Write;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, part) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).expect("memory takes an entry");
        zip.write_all(part.as_bytes()).expect("memory takes bytes");
    }
    zip.finish().expect("memory takes an end").into_inner()
}

/// A workbook of one sheet with these rows.
pub(crate) fn sheet(rows: &str) -> Vec<u8> {
    sheet_with(rows, "")
}

pub(crate) fn sheet_with(rows: &str, after: &str) -> Vec<u8> {
    zip(&[
        ("xl/workbook.xml", r#"<workbook><sheets><sheet name="Hoja" sheetId="1" r:id="rId1"/></sheets></workbook>"#),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="rId1" Type="t/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        ("xl/worksheets/sheet1.xml", &format!("<worksheet><sheetData>{rows}</sheetData>{after}</worksheet>")),
    ])
}

/// An OpenDocument file of this kind with this body.
pub(crate) fn odf(kind: &str, body: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\"?><office:document-content xmlns:office=\"o\" xmlns:text=\"t\" xmlns:table=\"ta\" xmlns:draw=\"d\"><office:body>{body}</office:body></office:document-content>"
    );
    zip(&[("mimetype", &format!("application/vnd.oasis.opendocument.{kind}")), ("content.xml", &content)])
}
