//! DOCX as a reader of the final version sees it.

use crate::support::{expect_blocks, expect_code, file, read, read_file, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("docx_final_version", final_version),
        trial("docx_under_a_false_name", false_name),
        trial("office_not_readable", not_readable),
    ]
}

fn final_version() {
    let extracted = expect_blocks(
        read_file("report.docx"),
        &[
            "h1 Obras del almacén",
            "h1 Calendario",
            "p La obra dura nueve semanas y cuesta 95.000 euros.",
            "h2 Pasos",
            "li 1. Vaciar las estanterías.",
            "li 2. Cortar la corriente.",
            "li 3. Levantar el suelo.",
            "li - Avisar a los vecinos.",
            "tr Zona | Semana | Empresa",
            "tr Norte | 1 | Aldana",
            "tr Norte | 2 | Berrio",
            "p Después se pinta.",
            "p Recuadro: casco obligatorio.",
            "p Sin contar los festivos & puentes.",
        ],
    );
    assert_eq!(extracted.title.as_deref(), Some("Informe de obras"));
    assert!(extracted.text.contains("1. Vaciar las estanterías.\n2. Cortar la corriente."), "one line each");
    assert_eq!(extracted.warnings, ["Struck-through text was left out."]);
}

fn false_name() {
    let bytes = std::fs::read(file("report.docx")).unwrap();
    let extracted = read(&bytes, "notes.txt").expect("the content decides");
    assert!(extracted.mime.ends_with("wordprocessingml.document"));
}

fn not_readable() {
    let bytes = std::fs::read(file("report.docx")).unwrap();
    expect_code(read(&bytes[..bytes.len() / 2], "half.docx"), "damaged");
    let mut container = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    container.resize(2048, 0);
    expect_code(read(&container, "old.doc"), "unsupported");
    container.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    expect_code(read(&container, "secret.docx"), "encrypted");
}
