//! Packages made to hurt the readers of slides, sheets, books and RTF.

use crate::support::{expect_blocks, expect_code, jail, read, read_with, trial};
use crate::zipped::{odf, sheet, zip};
use libtest_mimic::Trial;
use std::io::Write;
use std::time::Instant;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("office_entities", entities),
        trial("office_old_and_locked", old_and_locked),
        trial("sheet_that_unpacks_without_end", unpacks_without_end),
        trial("sheet_of_one_endless_text", endless_text),
        trial("ods_of_repeated_cells", repeated),
        trial("book_of_one_chapter_read_for_ever", read_for_ever),
        trial("rtf_that_nests_and_lies", rtf),
        trial("office_parts_missing_or_circular", missing),
        trial("office_spoilt_bytes", spoilt),
    ]
}

/// Every reader refuses a document type where formats have none, and none expands what one defines.
fn entities() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;\"><!ENTITY s SYSTEM \"file:///etc/passwd\">]>";
    let slide = zip(&[
        ("ppt/presentation.xml", &format!("{bomb}<presentation/>")),
        ("ppt/_rels/presentation.xml.rels", "<Relationships/>"),
    ]);
    expect_code(read(&slide, "a.pptx"), "damaged");
    let cell = "<row><c t=\"inlineStr\"><is><t>a&b;b &lt;c&gt;</t></is></c></row>";
    expect_blocks(read(&sheet(cell), "a.xlsx"), &["h1 Hoja", "p ab <c>"]);
    let mime = "application/vnd.oasis.opendocument.text";
    let text = format!("{bomb}<document-content><body><text><p>&s;</p></text></body></document-content>");
    expect_code(read(&zip(&[("mimetype", mime), ("content.xml", &text)]), "a.odt"), "damaged");
    // E-books may carry a document type; what it defines is worth nothing.
    let book = zip(&[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", &format!("{bomb}<container><rootfile full-path=\"&s;b.opf\"/></container>")),
        (
            "b.opf",
            "<package><title>&s;</title><manifest><item id=\"a\" href=\"a.html\"/></manifest><spine><itemref idref=\"a\"/></spine></package>",
        ),
        ("a.html", &format!("{bomb}<html><body><p>Texto &s; aquí.</p></body></html>")),
    ]);
    if let Ok(read) = read(&book, "a.epub") {
        assert!(!read.text.contains("root:") && !read.text.contains("lol"), "{}", read.text);
    }
}

fn old_and_locked() {
    let container = |name: &str| {
        let mut bytes = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
        bytes.resize(1536, 0);
        bytes.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.resize(4096, 0);
        bytes
    };
    for (stream, what) in [("WordDocument", "DOC"), ("PowerPoint Document", "PPT"), ("Workbook", "XLS"), ("x", "2007")]
    {
        let error = read(&container(stream), "file.pptx").expect_err("old files are not read");
        assert!(error.code() == "unsupported" && error.to_string().contains(what), "{error}");
        assert!(error.advice().contains("XLSX"), "{}", error.advice());
    }
    expect_code(read(&container("EncryptedPackage"), "book.xlsx"), "encrypted");
    let binary = zip(&[("[Content_Types].xml", "<Types/>"), ("xl/workbook.bin", "x")]);
    expect_code(read(&binary, "book.xlsx"), "unsupported");
    // A plain archive may be read as one, and never as slides.
    match read(&zip(&[("a.txt", "hello")]), "slides.pptx") {
        Ok(read) => assert!(!read.mime.contains("presentation")),
        Err(error) => assert_eq!(error.code(), "unsupported"),
    }
}

/// A package whose part `name` is `head`, then `block` many times.
fn endless(parts: &[(&str, &str)], name: &str, head: &str, block: &str, times: usize) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, part) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(part.as_bytes()).unwrap();
    }
    zip.start_file(name, SimpleFileOptions::default()).unwrap();
    zip.write_all(head.as_bytes()).unwrap();
    (0..times).for_each(|_| zip.write_all(block.as_bytes()).unwrap());
    zip.finish().unwrap().into_inner()
}

const BOOK: &[(&str, &str)] = &[
    ("xl/workbook.xml", r#"<workbook><sheets><sheet name="H" r:id="r1"/></sheets></workbook>"#),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="s.xml"/><Relationship Id="r2" Type="x/sharedStrings" Target="t.xml"/></Relationships>"#,
    ),
];

/// Blanks that are read and forgotten, empty texts that are counted: both end, neither fills the memory.
fn unpacks_without_end() {
    let mut small = jail("extract-child");
    small.memory_bytes = 32 << 20;
    let blanks = " ".repeat(1 << 20);
    let bomb = endless(BOOK, "xl/s.xml", "<worksheet><sheetData>", &format!("<row/>{blanks}"), 160);
    assert!(bomb.len() < 1 << 20, "a bomb is small");
    expect_code(read_with(&small, &bomb, "bomb.xlsx"), "too_large");
    let strings = endless(BOOK, "xl/t.xml", "<sst>", &"<si/>".repeat(10_000), 150);
    expect_code(read_with(&small, &strings, "strings.xlsx"), "too_large");
}

/// One text longer than the memory allowed is never held.
fn endless_text() {
    let mut small = jail("extract-child");
    small.memory_bytes = 32 << 20;
    let head = "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>";
    let bomb = endless(BOOK, "xl/s.xml", head, &"x".repeat(1 << 20), 64);
    expect_code(read_with(&small, &bomb, "bomb.xlsx"), "too_large");
    let bomb = endless(BOOK, "xl/s.xml", "<worksheet><sheetData><row r=\"", &"1".repeat(1 << 20), 64);
    expect_code(read_with(&small, &bomb, "bomb.xlsx"), "too_large");
}

fn repeated() {
    let started = Instant::now();
    let cell = |repeat: &str, text: &str| {
        format!(
            "<table:table-cell table:number-columns-repeated=\"{repeat}\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let sheet = |row: &str| {
        odf(
            "spreadsheet",
            &format!("<office:spreadsheet><table:table table:name=\"H\">{row}</table:table></office:spreadsheet>"),
        )
    };
    let row = |repeat: &str, cells: &str| {
        format!("<table:table-row table:number-rows-repeated=\"{repeat}\">{cells}</table:table-row>")
    };
    let many = "18446744073709551615";
    let read_many = read(&sheet(&row("1", &cell("4294967295", "x"))), "a.ods").expect("a filled row is a row");
    assert_eq!(read_many.text.matches('x').count(), 1_000);
    let rows = read(&sheet(&row(many, &cell("2", "x"))), "a.ods").expect("a filled sheet is a table");
    assert!(rows.text.matches('x').count() <= 2_002);
    // Repeated rows of repeated cells, many times: too much text, found out in time.
    let all = row(many, &cell("16384", &"y".repeat(500))).repeat(50);
    expect_code(read(&sheet(&all), "a.ods"), "too_large");
    let after = format!("{}{}", row(many, ""), row("1", &cell("1", "fin")));
    expect_blocks(read(&sheet(&after), "a.ods"), &["h1 H", "p fin"]);
    assert!(started.elapsed().as_secs() < 30, "the repeats are not walked");
}

fn read_for_ever() {
    let chapter = format!("<html><body><p>{}</p></body></html>", "palabra ".repeat(2_000));
    let spine = "<itemref idref=\"a\"/>".repeat(19_000);
    let opf = format!("<package><manifest><item id=\"a\" href=\"a.html\"/></manifest><spine>{spine}</spine></package>");
    let book = zip(&[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", "<container><rootfile full-path=\"b.opf\"/></container>"),
        ("b.opf", &opf),
        ("a.html", &chapter),
    ]);
    expect_code(read(&book, "a.epub"), "too_large");
}

fn rtf() {
    expect_code(read(format!("{{\\rtf1 {}", "{".repeat(2_000)).as_bytes(), "a.rtf"), "damaged");
    expect_code(read(b"{\\rtf1\\bin99999999999 x}", "a.rtf"), "damaged");
    for odd in ["\\u-32769?", "\\u99999?", "\\'zz", "\\uc99999\\u65 abc", "\\cell\\row\\cellx", "\\", "\\u55357?x"] {
        let file = format!("{{\\rtf1 texto {odd} más texto\\par fin}}");
        let ended = read(file.as_bytes(), "a.rtf");
        assert!(ended.as_ref().is_ok_and(|read| read.text.starts_with("texto")), "{odd}: {ended:?}");
    }
}

fn missing() {
    let rels = r#"<Relationships><Relationship Id="r1" Type="x/slide" Target="../../../../etc/passwd"/><Relationship Id="r2" Type="x/slide" Target="slides/s.xml"/><Relationship Id="r3" Type="x/slide" TargetMode="External" Target="http://127.0.0.1:9/"/></Relationships>"#;
    let order = r#"<presentation><sldIdLst><sldId id="1" r:id="r1"/><sldId id="2" r:id="r2"/><sldId id="3" r:id="r3"/></sldIdLst></presentation>"#;
    let slide = "<sld><sp><txBody><p><r><t>Texto</t></r></p></txBody></sp></sld>";
    let deck = zip(&[
        ("ppt/presentation.xml", order),
        ("ppt/_rels/presentation.xml.rels", rels),
        ("ppt/slides/s.xml", slide),
        (
            "ppt/slides/_rels/s.xml.rels",
            r#"<Relationships><Relationship Id="n" Type="x/notesSlide" Target="s.xml"/></Relationships>"#,
        ),
    ]);
    let extracted = expect_blocks(read(&deck, "a.pptx"), &["h2 Texto", "p Texto"]);
    assert_eq!(extracted.warnings[0], "Slide 1 is missing from the file.");
    assert_eq!(extracted.pages.len(), 3);
    expect_code(read(&zip(&[("ppt/presentation.xml", "<presentation/>")]), "a.pptx"), "empty");
    let no_book = zip(&[("mimetype", "application/epub+zip"), ("META-INF/container.xml", "<container/>")]);
    expect_code(read(&no_book, "a.epub"), "damaged");
    expect_code(read(&zip(&[("mimetype", "application/vnd.oasis.opendocument.spreadsheet")]), "a.ods"), "damaged");
}

/// Bytes flipped and files cut all over: any typed end is right, none may be ours.
fn spoilt() {
    let names = ["slides.pptx", "sheets.xlsx", "text.odt", "sheets.ods", "slides.odp", "letter.rtf", "book.epub"];
    let mut seed = 11_u64;
    let mut roll = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize
    };
    for name in names {
        let whole = std::fs::read(crate::support::file(name)).unwrap();
        for round in 0..12 {
            let mut spoilt = whole.clone();
            if round < 4 {
                spoilt.truncate(roll() % whole.len());
            }
            for _ in 0..20 {
                let at = roll() % spoilt.len().max(1);
                spoilt.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x15);
            }
            if let Err(error) = read(&spoilt, name) {
                assert!(!error.is_transient() && error.code() != "crashed", "{name}: {error}");
            }
        }
    }
}
