//! Files made to hurt: bombs, entities, depth. Each ends with a typed error and in good time.

use crate::support::{expect_code, jail, read_with, trial};
use libtest_mimic::Trial;
use std::io::Write;
use std::time::Instant;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("docx_that_unpacks_without_end", unpacks_without_end),
        trial("docx_with_entities", entities),
        trial("docx_with_very_many_attributes", attributes),
        trial("docx_that_ends_in_the_middle", cut),
        trial("markup_nested_without_end", nested),
        trial("text_without_end", long_text),
        trial("archive_of_very_many_entries", entries),
    ]
}

/// A Word file whose document is what `write` makes.
fn docx(write: impl FnOnce(&mut dyn Write)) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", SimpleFileOptions::default().compression_method(CompressionMethod::Deflated))
        .unwrap();
    write(&mut zip);
    zip.finish().unwrap().into_inner()
}

const OPEN: &[u8] = b"<w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>";
const CLOSE: &[u8] = b"</w:t></w:r></w:p></w:body></w:document>";

fn unpacks_without_end() {
    let mut small = jail("extract-child");
    small.memory_bytes = 64 << 20;
    let bomb = docx(|part| {
        part.write_all(OPEN).unwrap();
        let block = vec![b' '; 1 << 20];
        (0..40).for_each(|_| part.write_all(&block).unwrap());
        part.write_all(CLOSE).unwrap();
    });
    assert!(bomb.len() < 1 << 20, "a bomb is small");
    expect_code(read_with(&small, &bomb, "bomb.docx"), "too_large");
}

fn entities() {
    let external = docx(|part| {
        part.write_all(b"<?xml version=\"1.0\"?><!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>").unwrap();
        part.write_all(&[OPEN, b"&x;", CLOSE].concat()).unwrap();
    });
    expect_code(read_with(&jail("extract-child"), &external, "xxe.docx"), "damaged");
    let unknown = docx(|part| part.write_all(&[OPEN, b"a&x;b &lt;c&gt; &#233;", CLOSE].concat()).unwrap());
    assert_eq!(read_with(&jail("extract-child"), &unknown, "a.docx").unwrap().text, "ab <c> é");
}

fn cut() {
    let half = docx(|part| part.write_all(&[OPEN, b"Half of the story"].concat()).unwrap());
    expect_code(read_with(&jail("extract-child"), &half, "half.docx"), "damaged");
}

fn attributes() {
    let started = Instant::now();
    let many = docx(|part| {
        part.write_all(b"<w:document xmlns:w=\"w\"><w:body><w:p").unwrap();
        (0..300_000).for_each(|at| write!(part, " a{at}=\"\"").unwrap());
        part.write_all(b"><w:pPr><w:pStyle").unwrap();
        (0..300_000).for_each(|at| write!(part, " a{at}=\"\"").unwrap());
        part.write_all(b" w:val=\"x\"/></w:pPr><w:r><w:t>Text</w:t></w:r></w:p></w:body></w:document>").unwrap();
    });
    assert_eq!(read_with(&jail("extract-child"), &many, "a.docx").unwrap().text, "Text");
    assert!(started.elapsed().as_secs() < 20, "linear in the number of attributes");
}

fn nested() {
    let deep = format!("<html><body>{}x", "<div>".repeat(5_000));
    expect_code(read_with(&jail("extract-child"), deep.as_bytes(), "deep.html"), "damaged");
    let deep = docx(|part| {
        part.write_all(b"<w:document xmlns:w=\"w\">").unwrap();
        (0..20_000).for_each(|_| part.write_all(b"<w:tbl><w:tr><w:tc>").unwrap());
    });
    expect_code(read_with(&jail("extract-child"), &deep, "deep.docx"), "damaged");
    // Markdown quotes and lists nest too; any typed end will do, as long as it comes.
    let deep = format!("{}x", "> ".repeat(3_000));
    let ended = read_with(&jail("extract-child"), deep.as_bytes(), "deep.md");
    assert!(ended.is_ok() || ended.is_err_and(|error| !error.is_transient()));
}

fn long_text() {
    expect_code(read_with(&jail("extract-child"), "word ".repeat(500_000).as_bytes(), "long.txt"), "too_large");
}

fn entries() {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for at in 0..10_500 {
        zip.start_file(format!("word/{at}.xml"), SimpleFileOptions::default()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    expect_code(read_with(&jail("extract-child"), &bytes, "many.docx"), "too_large");
}
