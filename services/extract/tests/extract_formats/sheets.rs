//! XLSX and ODS: sheets as pages with names, cells as the sheet shows them.

use crate::support::{blocks, expect_blocks, expect_code, jail, labels, page_text, read, read_file, read_with, trial};
use crate::zipped::{sheet, zip};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("xlsx_sheets", excel),
        trial("ods_sheets", calc),
        trial("xlsx_lists_and_titles", lists),
        trial("xlsx_shared_texts", shared_texts),
        trial("sheet_that_fills_its_grid", fills_its_grid),
    ]
}

fn excel() {
    let extracted = expect_blocks(
        read_file("sheets.xlsx"),
        &[
            "h1 Ventas",
            "p Ventas por región",
            "tr Región | Fecha | Importe | Margen",
            "tr Norte | 2026-03-05 | 1234.50 € | 12.5%",
            "tr Norte | 2026-03-06 14:30 | -80.00 € | 7%",
            "tr Sur | | 0.3 | TRUE",
            "tr Persona | Teléfono",
            "tr Añón & Ñíguez | 0034 986",
            "h1 Tarifas internas",
            "tr Servicio | Horas",
            "tr Montaje | 30:00",
            "h1 Lejos",
            "p Principio",
            "p Final",
        ],
    );
    assert_eq!(extracted.title, None, "a sheet names no workbook");
    assert_eq!(labels(&extracted), [(1, Some("Ventas")), (3, Some("Tarifas internas")), (4, Some("Lejos"))]);
    assert!(page_text(&extracted, 2).starts_with("Lejos\n\nPrincipio"));
    assert!(extracted.text.contains("TRUE\n\nPersona | "), "an empty row ends a table");
    assert_eq!(extracted.warnings, ["Hidden sheets are part of the text: \"Tarifas internas\"."]);
}

fn calc() {
    let extracted = expect_blocks(
        read_file("sheets.ods"),
        &[
            "h1 Almacén",
            "tr Pieza | Entrada | Precio | Stock",
            "tr Eje | 2026-03-05 | 12,50 € | 40",
            "tr Eje | 2026-03-06 14:30 | 50 % | 50 %",
            "tr Nota | Valor",
            "tr IVA | 21 %",
            "tr IVA | 21 %",
            "h1 Costes",
            "tr Clave | Euros",
            "tr A | 7",
        ],
    );
    assert_eq!(labels(&extracted), [(1, Some("Almacén")), (3, Some("Costes"))]);
    assert!(extracted.text.contains("50 %\n\nNota"), "a million empty rows end a table");
    assert_eq!(extracted.warnings, ["Hidden sheets are part of the text: \"Costes\"."]);
}

fn rows(rows: &[&[&str]]) -> String {
    let mut data = String::new();
    for (at, row) in rows.iter().enumerate() {
        data.push_str(&format!("<row r=\"{}\">", at + 1));
        for (column, text) in row.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let name = char::from(b'A' + column as u8);
            data.push_str(&format!("<c r=\"{name}{}\" t=\"inlineStr\"><is><t>{text}</t></is></c>", at + 1));
        }
        data.push_str("</row>");
    }
    data
}

/// Lone cells above a table are its title; many of them are a list; columns keep their places.
fn lists() {
    let long: Vec<&[&str]> = vec![&["Ana"], &["Berta"], &["Clara"], &["Delia"], &["Nombre", "Edad"], &["Eva", "30"]];
    expect_blocks(
        read(&sheet(&rows(&long)), "a.xlsx"),
        &["h1 Hoja", "tr Ana", "tr Berta", "tr Clara", "tr Delia", "tr Nombre | Edad", "tr Eva | 30"],
    );
    let report: Vec<&[&str]> = vec![&["Informe"], &["", "2026"], &["A", "B", "C"], &["", "", "3"], &["1"]];
    expect_blocks(
        read(&sheet(&rows(&report)), "a.xlsx"),
        &["h1 Hoja", "p Informe", "p 2026", "tr A | B | C", "tr | | 3", "tr 1"],
    );
}

fn shared_texts() {
    let strings =
        "<sst><si><t>u_x006E_o_x000D_</t></si><si><r><t>d</t></r><r><t>os</t></r><rPh><t>zwei</t></rPh></si></sst>";
    let cells = r#"<row><c t="s"><v>1</v></c><c t="s"><v>0</v></c><c t="s"><v>99</v></c><c t="e"><v>#N/A</v></c><c><f>1+1</f><v>2</v></c></row>
        <row hidden="1"><c t="d"><v>2026-03-05T00:00:00</v></c><c t="str"><v>x</v></c></row>"#;
    let book = zip(&[
        ("xl/workbook.xml", r#"<workbook><sheets><sheet name="H" r:id="r1"/></sheets></workbook>"#),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/s.xml"/>
            <Relationship Id="r2" Type="x/sharedStrings" Target="/xl/strings.xml"/>
            <Relationship Id="r3" Type="x/styles" TargetMode="External" Target="http://127.0.0.1:9/styles.xml"/></Relationships>"#,
        ),
        ("xl/strings.xml", strings),
        ("xl/worksheets/s.xml", &format!("<worksheet><sheetData>{cells}</sheetData></worksheet>")),
    ]);
    let extracted = expect_blocks(read(&book, "a.xlsx"), &["h1 H", "tr dos | uno | | #N/A | 2", "tr 2026-03-05 | x"]);
    assert_eq!(extracted.warnings, ["Hidden rows of the sheet \"H\" are part of the text."]);
}

/// One cell at the far end costs nothing; a grid full of words is too much text, and says so.
fn fills_its_grid() {
    let far = r#"<row r="1048576"><c r="XFD1048576"><v>7</v></c><c r="A1048576"><v>6</v></c></row>"#;
    let read_far = read(&sheet(far), "far.xlsx").expect("two cells are no load");
    assert_eq!(blocks(&read_far)[1], format!("tr 6{} | 7", " |".repeat(32)));
    let mut small = jail("extract-child");
    small.max_text_chars = 100_000;
    let full: String = (1..=20_000).map(|at| format!("<row r=\"{at}\"><c><v>123456789</v></c></row>")).collect();
    expect_code(read_with(&small, &sheet(&full), "full.xlsx"), "too_large");
    let merged = format!(
        "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>{}</t></is></c></row>{}",
        "x".repeat(1_900),
        (2..3_000).map(|at| format!("<row r=\"{at}\"><c r=\"B{at}\"><v>1</v></c></row>")).collect::<String>()
    );
    let merged = crate::zipped::sheet_with(&merged, "<mergeCells><mergeCell ref=\"A1:A1048576\"/></mergeCells>");
    expect_code(read_with(&small, &merged, "merged.xlsx"), "too_large");
}
