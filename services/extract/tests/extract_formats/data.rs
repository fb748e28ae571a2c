//! CSV, TSV, JSON and JSON Lines.

use crate::support::{expect_blocks, expect_code, read, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("csv_separators_quotes_encodings", csv),
        trial("csv_too_wide", wide),
        trial("json_paths_pairs_and_tables", json),
        trial("json_lines", lines),
        trial("json_nested_broken_or_cut", broken_json),
    ]
}

fn csv() {
    let rows = ["tr Zona | Semana | Empresa", "tr Norte | 1 | Aldana, S.A.", "tr Sur | 2 | \"Berrio\" línea"];
    let comma = "Zona,Semana,Empresa\r\nNorte,1,\"Aldana, S.A.\"\r\n\r\nSur,2,\"\"\"Berrio\"\"\nlínea\"\r\n";
    let extracted = expect_blocks(read(comma.as_bytes(), "obras.csv"), &rows);
    assert_eq!(extracted.mime, "text/csv");
    for (separator, name) in [(";", "obras.csv"), ("\t", "obras.tsv"), ("|", "obras.csv")] {
        let text = format!(
            "Zona{separator}Semana{separator}Empresa\nNorte{separator}1{separator}Aldana, S.A.\nSur{separator}2{separator}\"\"\"Berrio\"\" línea\"\n"
        );
        expect_blocks(read(text.as_bytes(), name), &rows);
        let latin: Vec<u8> = text.chars().map(|c| u32::from(c) as u8).collect();
        expect_blocks(read(&latin, name), &rows);
        let utf16: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        expect_blocks(read(&utf16, name), &rows);
    }
    let declared = expect_blocks(read(b"sep=;\na;b,c\n1;2,5\n3\n", "a.csv"), &["tr a | b,c", "tr 1 | 2,5", "tr 3"]);
    assert_eq!(declared.warnings, ["1 rows have more or fewer columns than the first."]);
}

fn wide() {
    expect_code(read("x,".repeat(1_000_000).as_bytes(), "wide.csv"), "too_large");
}

fn json() {
    let text = r#"{"name": "Turnos", "active": true, "none": null, "days": ["lunes", "martes"],
        "office": {"city": "León", "rooms": [{"no": 1, "seats": 4}, {"no": 2, "seats": 6}]},
        "notes": [{"by": {"id": 7}, "text": "Bien"}, "suelta"]}"#;
    let extracted = expect_blocks(
        read(text.as_bytes(), "turnos.json"),
        &[
            "p name: Turnos\nactive: true\nnone:\ndays: lunes, martes",
            "h1 office",
            "p city: León",
            "h2 office.rooms",
            "tr no | seats",
            "tr 1 | 4",
            "tr 2 | 6",
            "h1 notes",
            "h2 notes[0]",
            "h3 notes[0].by",
            "p id: 7",
            "p text: Bien",
            "li - suelta",
        ],
    );
    assert_eq!(extracted.mime, "application/json");
    assert_eq!(read(text.as_bytes(), "unnamed").unwrap().mime, "application/json", "the content decides");
}

fn lines() {
    let text = "{\"q\": \"¿Cuándo?\", \"a\": \"Hoy\"}\n\n{\"q\": \"¿Quién?\", \"a\": \"Ana\"}\n";
    expect_blocks(read(text.as_bytes(), "faq.jsonl"), &["tr q | a", "tr ¿Cuándo? | Hoy", "tr ¿Quién? | Ana"]);
}

fn broken_json() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    expect_code(read(deep.as_bytes(), "deep.json"), "damaged");
    expect_code(read(br#"{"a": [1, 2, {"b": "c"#, "cut.json"), "damaged");
    let other = read(b"// with remarks\n{a: 1}", "a.json").unwrap();
    assert!(other.text.contains("with remarks") && other.warnings[0].contains("not valid JSON"), "{other:?}");
}
