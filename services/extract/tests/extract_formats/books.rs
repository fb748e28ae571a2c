//! ODT, RTF and EPUB: headings, lists, tables and notes of longer texts.

use crate::support::{expect_blocks, expect_code, labels, page_text, read, read_file, trial};
use crate::zipped::{odf, zip};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("odt_text", writer),
        trial("rtf_text", rich_text),
        trial("rtf_code_pages", code_pages),
        trial("epub_chapters", book),
        trial("books_that_are_locked", locked),
    ]
}

fn writer() {
    let extracted = expect_blocks(
        read_file("text.odt"),
        &[
            "h1 Taller de Bouzas",
            "h1 Seguridad",
            "p El casco es obligatorio desde las 6.",
            "h2 Turnos",
            "li 1. Fichar.",
            "li 2. Revisar la máquina.",
            "li a) Aceite",
            "li b) Frenos",
            "li - Guantes",
            "tr Zona | Riesgo | Equipo",
            "tr Nave 1 | Ruido | Cascos",
            "tr Nave 1 | Polvo | Mascarilla",
            "p Firmado en Vigo.",
            "p También para las visitas.",
        ],
    );
    assert_eq!(extracted.title.as_deref(), Some("Normas del taller"));
    assert!(extracted.text.contains("2. Revisar la máquina.\n  a) Aceite\n  b) Frenos\n\n- Guantes"));
    assert_eq!(extracted.warnings, ["Struck-through text was left out."]);
}

fn rich_text() {
    let extracted = expect_blocks(
        read_file("letter.rtf"),
        &[
            "h1 Carta de bienvenida",
            "h1 Principios",
            "p Cuesta 80€ —y 😀 nada más; Привет y 日本. enlace {fin}",
            "h2 Pasos",
            "li 1. Leer\ndespacio",
            "li - Firmar",
            "li - Entregar",
            "tr Centro | Horas",
            "tr Vigo | 8 diarias",
            "tr Vigo | 7",
            "p Fin—hasta pronto texto nuevo",
            "p Nota al pie.",
        ],
    );
    assert_eq!(extracted.title.as_deref(), Some("Carta de bienvenida"));
    assert_eq!(extracted.mime, "application/rtf");
    assert_eq!(extracted.warnings, ["Struck-through text was left out."]);
}

fn code_pages() {
    for (head, hex, text) in [
        ("\\ansi\\ansicpg1250", "\\'9a\\'e8", "šč"),
        ("\\pc", "\\'a4o \\'e1", "ño ß"),
        ("\\pca", "\\'a4o \\'d5", "ño ı"),
        ("\\mac", "\\'96o", "ño"),
        ("\\ansi\\ansicpg936", "\\'d6\\'d0\\'b9\\'fa", "中国"),
        ("\\ansi\\uc2", "\\u20013\\'d6\\'d0!", "中!"),
        ("\\ansi\\uc0", "\\u241 o", "ño"),
        ("\\ansi", "a\\~b\\_c\\-d", "a b-cd"),
    ] {
        let file = format!("{{\\rtf1{head} Palabra {hex}\\par}}");
        expect_blocks(read(file.as_bytes(), "a.rtf"), &[&format!("p Palabra {text}")]);
    }
    expect_code(read(b"{\\rtf1 cut {\\b off", "a.rtf"), "damaged");
    expect_code(read(b"{\\rtf1{\\pict 00ff}}", "a.rtf"), "empty");
}

fn book() {
    let extracted = expect_blocks(
        read_file("book.epub"),
        &[
            "h1 Primer día",
            "p Recoja su tarjeta.1",
            "p En la puerta 2.",
            "tr Hora | Lugar",
            "tr 9:00 | Nave 1",
            "h1 La semana",
            "p El lunes hay reunión.",
        ],
    );
    assert_eq!(extracted.title.as_deref(), Some("Guía de acogida"));
    assert_eq!(labels(&extracted), [(1, Some("El primer día")), (2, Some("La semana"))]);
    assert_eq!(page_text(&extracted, 1), "La semana\n\nEl lunes hay reunión.");
}

fn locked() {
    let container = "<container><rootfiles><rootfile full-path=\"b.opf\"/></rootfiles></container>";
    let opf = "<package><manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/></manifest><spine><itemref idref='a'/></spine></package>";
    let encryption = |method: &str| {
        format!("<encryption><EncryptedData><EncryptionMethod Algorithm=\"{method}\"/></EncryptedData></encryption>")
    };
    let book = |method: &str| {
        zip(&[
            ("mimetype", "application/epub+zip"),
            ("META-INF/container.xml", container),
            ("META-INF/encryption.xml", &encryption(method)),
            ("b.opf", opf),
            ("a.xhtml", "<html><body><p>Texto.</p></body></html>"),
        ])
    };
    expect_code(read(&book("http://www.w3.org/2001/04/xmlenc#aes256-cbc"), "a.epub"), "encrypted");
    expect_blocks(read(&book("http://www.idpf.org/2008/embedding"), "a.epub"), &["p Texto."]);
    let manifest = "<manifest><file-entry full-path='content.xml'><encryption-data/></file-entry></manifest>";
    let mime = "application/vnd.oasis.opendocument.text";
    let text = zip(&[("mimetype", mime), ("META-INF/manifest.xml", manifest), ("content.xml", "\u{1}\u{2}")]);
    expect_code(read(&text, "a.odt"), "encrypted");
    let whole = zip(&[("mimetype", mime), ("META-INF/manifest.xml", manifest), ("encrypted-package", "x")]);
    expect_code(read(&whole, "a.odt"), "encrypted");
    expect_blocks(read(&odf("text-template", "<office:text><text:p>Hola</text:p></office:text>"), "a"), &["p Hola"]);
}
