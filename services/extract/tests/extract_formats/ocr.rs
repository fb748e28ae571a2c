//! Scanned pages and pictures, read by the tesseract of this machine. Where it is missing, the tests
//! say so and only check the refusal.

use crate::support::{expect_code, jail, read_with, trial};
use fuente_extract::{ExtractError, Jail, Ocr};
use libtest_mimic::Trial;
use pdfium_render::prelude::{PdfBitmapFormat, PdfRenderConfig, Pdfium};
use std::path::PathBuf;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("ocr_missing_is_said", missing),
        trial("ocr_of_pictures_and_scanned_pages", recognises),
        trial("ocr_that_fails_is_typed", fails),
        trial("picture_that_claims_too_much", floods),
    ]
}

/// The jail with tesseract, where this machine has it.
fn with_ocr() -> Option<Jail> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&path).map(|folder| folder.join("tesseract")).find(|path| path.is_file());
    if program.is_none() {
        eprintln!(
            "\n*** tesseract is not installed: text recognition is NOT tested (apt-get install tesseract-ocr) ***\n"
        );
    }
    let ocr = Ocr { program: program?, languages: "eng".to_owned(), max_pages: 3 };
    Some(Jail { ocr: Some(ocr), ..jail("extract-child") })
}

const WORDS: &str = "The night shift starts at ten";

/// The binding is made once in a process.
fn pdfium() -> &'static Pdfium {
    static PDFIUM: std::sync::OnceLock<Pdfium> = std::sync::OnceLock::new();
    PDFIUM
        .get_or_init(|| Pdfium::new(Pdfium::bind_to_library(jail("extract-child").pdfium).expect("libpdfium is there")))
}

/// A page with [`WORDS`], as gray dots: width, height, dots.
fn dots() -> (usize, usize, Vec<u8>) {
    let content = format!("BT /F1 14 Tf 20 60 Td ({WORDS}) Tj ET");
    let pdf = format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 120]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n4 0 obj<</Length {}>>stream\n{content}\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        content.len()
    );
    let pdfium = pdfium();
    let document = pdfium.load_pdf_from_byte_slice(pdf.as_bytes(), None).expect("our own PDF");
    let config = PdfRenderConfig::new().set_fixed_size(1250, 500).set_format(PdfBitmapFormat::Gray);
    let page = document.pages().get(0).unwrap();
    let bitmap = page.render_with_config(&config).unwrap();
    let raw = bitmap.as_raw_bytes();
    let stride = raw.len() / 500;
    (1250, 500, raw.chunks_exact(stride).flat_map(|row| row[..1250].to_vec()).collect())
}

fn scanned_pdf(pages: usize) -> Vec<u8> {
    let (width, height, dots) = dots();
    let mut pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n".to_vec();
    let kids: String = (0..pages).map(|_| "3 0 R ").collect();
    pdf.extend(format!("2 0 obj<</Type/Pages/Kids[{kids}]/Count {pages}>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 120]/Contents 5 0 R/Resources<</XObject<</I 4 0 R>>>>>>endobj\n4 0 obj<</Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceGray/BitsPerComponent 8/Length {}>>stream\n", dots.len()).into_bytes());
    pdf.extend(dots);
    pdf.extend(b"\nendstream endobj\n5 0 obj<</Length 30>>stream\nq 300 0 0 120 0 0 cm /I Do Q   \nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n");
    pdf
}

fn tiff(pages: usize) -> Vec<u8> {
    let (width, height, dots) = dots();
    let mut file = b"II*\0".to_vec();
    file.extend(((8 + dots.len()) as u32).to_le_bytes());
    file.extend(&dots);
    for page in 0..pages {
        let entries: [(u16, u32); 9] = [
            (256, width as u32),
            (257, height as u32),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, 8),
            (277, 1),
            (278, height as u32),
            (279, dots.len() as u32),
        ];
        file.extend((entries.len() as u16).to_le_bytes());
        for (tag, value) in entries {
            file.extend(
                [&tag.to_le_bytes()[..], &4_u16.to_le_bytes(), &1_u32.to_le_bytes(), &value.to_le_bytes()].concat(),
            );
        }
        let next = if page + 1 < pages { file.len() as u32 + 4 } else { 0 };
        file.extend(next.to_le_bytes());
    }
    file
}

fn missing() {
    expect_code(read_with(&jail("extract-child"), &tiff(1), "page.tif"), "needs_ocr");
    expect_code(read_with(&jail("extract-child"), &scanned_pdf(1), "scan.pdf"), "needs_ocr");
    assert!(ExtractError::NeedsOcr.advice().contains("tesseract-ocr"));
}

fn recognises() {
    let Some(jail) = with_ocr() else { return };
    let picture = read_with(&jail, &tiff(2), "page.tif").expect("tesseract reads TIFF");
    assert_eq!(picture.text, format!("{WORDS}\n\n{WORDS}"));
    assert_eq!((picture.pages.len(), picture.mime.as_str()), (2, "image/tiff"));
    let scanned = read_with(&jail, &scanned_pdf(2), "scan.pdf").expect("tesseract reads pages");
    assert_eq!(scanned.text, format!("{WORDS}\n\n{WORDS}"));
    assert_eq!(scanned.pages.iter().map(|page| (page.page, page.char_start)).collect::<Vec<_>>(), [(1, 0), (2, 31)]);
    assert!(scanned.warnings.iter().any(|warning| warning.contains("recognised")), "{:?}", scanned.warnings);
    let jpeg = std::fs::read(crate::support::file("scan.jpg")).unwrap();
    assert!(read_with(&jail, &jpeg, "scan.jpg").unwrap().text.contains("night shift"));
    let png = std::fs::read(crate::support::file("scan.png")).unwrap();
    // What it is called decides nothing: a phone's picture comes under many names.
    for (bytes, name, mime) in [
        (&png, "scan.png", "image/png"),
        (&png, "scan.webp", "image/png"),
        (&png, "scan", "image/png"),
        (&jpeg, "scan.heic", "image/jpeg"),
        (&jpeg, "scan.pdf", "image/jpeg"),
    ] {
        let read = read_with(&jail, bytes, name).unwrap();
        assert!(read.text.contains("night shift") && read.mime == mime, "{name}: {read:?}");
    }
}

fn fails() {
    let Some(jail) = with_ocr() else { return };
    // More scanned pages than allowed: the first ones are read, and a warning says what is missing.
    let part = read_with(&jail, &scanned_pdf(5), "scan.pdf").unwrap();
    assert!(part.warnings.iter().any(|warning| warning.contains("Not every scanned page")), "{:?}", part.warnings);
    expect_code(
        read_with(&jail, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\0\0\0\0junk", "a.png"),
        "damaged",
    );
    let with = |change: fn(&mut Ocr)| {
        let mut jail = jail.clone();
        jail.ocr.as_mut().into_iter().for_each(change);
        read_with(&jail, &tiff(1), "a.tif")
    };
    expect_code(with(|ocr| ocr.languages = "xxx".to_owned()), "setup");
    expect_code(with(|ocr| ocr.program = PathBuf::from("/nonexistent/tesseract")), "setup");
    // The walls hold for the program too: a shell in its place starts, and can do nothing.
    expect_code(with(|ocr| ocr.program = PathBuf::from("/bin/cat")), "damaged");
    let mut hurried = jail.clone();
    hurried.memory_bytes = 24 << 20;
    let ended = read_with(&hurried, &tiff(1), "a.tif").unwrap_err();
    assert!(["out_of_memory", "setup", "damaged", "crashed"].contains(&ended.code()), "{ended}");
}

fn floods() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\0\0\0\x01\0\0\x08\0\0\0\0";
    expect_code(read_with(&jail("extract-child"), png, "a.png"), "too_large");
    let jpeg = b"\xFF\xD8\xFF\xE0\0\x04JF\xFF\xC0\0\x11\x08\xFF\xFF\xFF\xFF\x03";
    expect_code(read_with(&jail("extract-child"), jpeg, "a.jpg"), "too_large");
    let mut flood = tiff(1);
    let at = flood.len() - 4 - 9 * 12 + 8;
    flood[at..at + 4].copy_from_slice(&1_000_000_u32.to_le_bytes());
    expect_code(read_with(&jail("extract-child"), &flood, "a.tif"), "too_large");
}
