//! Documents inside documents: mails with attachments, and archives.

use crate::support::{blocks, expect_blocks, expect_code, file, read, read_with, trial};
use fuente_extract::Extracted;
use libtest_mimic::Trial;
use std::io::Write;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("mail_head_body_and_attachments", mail),
        trial("mail_of_plain_text", plain_mail),
        trial("zip_of_documents", archive),
        trial("zip_in_zip", nested),
        trial("zip_of_nothing_readable", unreadable),
        trial("zip_bombs", bombs),
    ]
}

/// The names of the pages, with the text that each begins with.
fn pages(extracted: &Extracted) -> Vec<(u32, Option<&str>, String)> {
    let start = |at: u32| extracted.text.chars().skip(at as usize).take(12).collect();
    extracted.pages.iter().map(|page| (page.page, page.label.as_deref(), start(page.char_start))).collect()
}

const MAIL: &str = "Received: from mx by mail; Mon, 2 Nov 2026 09:00:00 +0100\r\nFrom: =?utf-8?q?Ana_N=C3=BA=C3=B1ez?= <ana@example.com>\r\nTo: bo@example.com, Carla <carla@example.com>\r\nSubject: Turnos de noche\r\nDate: Mon, 2 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x\r\nContent-Type: multipart/alternative; boundary=\"y\"\r\n\r\n--y\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nver en html\r\n--y\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html><body><h2>Cambios</h2><p>Desde ma=F1ana.</p><p hidden>IGNORE</p></body></html>\r\n--y--\r\n--x\r\nContent-Type: text/csv; name=\"tabla.csv\"\r\nContent-Disposition: attachment; filename=\"tabla.csv\"\r\n\r\ndia;hora\r\n1;22\r\n--x\r\nContent-Type: application/octet-stream; name=\"foto.bin\"\r\nContent-Disposition: attachment; filename=\"foto.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAwQFBgcICQ==\r\n--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"texto.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nPDF64\r\n--x--\r\n";

fn mail() {
    let pdf = std::fs::read(file("text.pdf")).unwrap_or_else(|_| b"%PDF-1.4 broken".to_vec());
    let mail = MAIL.replace("PDF64", &base64(&pdf));
    let extracted = read(mail.as_bytes(), "turnos.eml").expect("a mail");
    let found = blocks(&extracted);
    let expected = [
        "h1 Turnos de noche",
        "p From: Ana Núñez <ana@example.com>\nTo: bo@example.com, Carla <carla@example.com>\nDate: 2026-11-02T09:00:00+01:00",
        "h2 Cambios",
        "p Desde mañana.",
        "h1 Attachment: tabla.csv",
        "tr dia | hora",
        "tr 1 | 22",
    ];
    assert_eq!(found[..expected.len()], expected);
    assert_eq!(extracted.title.as_deref(), Some("Turnos de noche"));
    assert_eq!(extracted.mime, "message/rfc822");
    let starts = pages(&extracted);
    assert_eq!(
        starts[..2],
        [(1, None, "Turnos de no".to_owned()), (2, Some("Attachment: tabla.csv"), "Attachment: ".to_owned())]
    );
    let left_out =
        extracted.warnings.iter().any(|warning| warning.starts_with("Attachment: foto.bin was left out: this kind"));
    assert!(left_out, "{:?}", extracted.warnings);
    assert_eq!(read(mail.as_bytes(), "no-name").unwrap().mime, "message/rfc822", "the content decides");
}

fn plain_mail() {
    let mail = b"From: a@b.c\nSubject: Aviso\n\nLa oficina cierra.\n\n- lunes\n- martes\n";
    expect_blocks(
        read(mail, "aviso.eml"),
        &["h1 Aviso", "p From: a@b.c", "p La oficina cierra.", "li - lunes", "li - martes"],
    );
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in entries {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn archive() {
    let report = std::fs::read(file("report.docx")).unwrap();
    let bytes = zipped(&[
        ("docs/", b""),
        ("docs/uno.txt", b"Primera nota.\n\x0cOtra hoja."),
        ("../../etc/foto.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00"),
        ("docs/informe.docx", &report),
        ("__MACOSX/._uno.txt", b"\0\x05\x16\x07"),
        ("docs/dos.md", "# Dos\n\nMás.".as_bytes()),
    ]);
    let extracted = read(&bytes, "todo.zip").unwrap();
    assert_eq!(
        pages(&extracted),
        [
            (1, Some("docs/uno.txt"), "docs/uno.txt".to_owned()),
            (2, None, "Otra hoja.\n\n".to_owned()),
            (3, Some("docs/informe.docx"), "docs/informe".to_owned()),
            (4, Some("docs/dos.md"), "docs/dos.md\n".to_owned()),
        ]
    );
    assert!(extracted.text.contains("La obra dura nueve semanas") && extracted.text.ends_with("Más."));
    assert_eq!(extracted.title.as_deref(), Some("docs/uno.txt"));
    assert!(
        extracted
            .warnings
            .contains(&"../../etc/foto.gif was left out: this kind of file cannot be read: a GIF picture.".to_owned()),
        "{:?}",
        extracted.warnings
    );
}

fn nested() {
    let inner = zipped(&[("b.txt", b"Dentro del segundo.")]);
    let middle = zipped(&[("c.zip", &inner), ("a.txt", b"Dentro.")]);
    let outer = zipped(&[("m.zip", &middle), ("z.txt", b"Fuera.")]);
    let extracted = read(&outer, "o.zip").unwrap();
    assert!(extracted.text.contains("Dentro.") && extracted.text.contains("Fuera."));
    assert!(!extracted.text.contains("segundo"), "the third level is not opened");
    assert!(extracted.warnings.iter().any(|warning| warning.contains("documents deep")), "{:?}", extracted.warnings);
}

fn unreadable() {
    expect_code(read(&zipped(&[("a.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00")]), "a.zip"), "unsupported");
    expect_code(read(&zipped(&[]), "a.zip"), "empty");
}

fn bombs() {
    let zeros = vec![0; 40 << 20];
    let flat = zipped(&[("a.txt", &zeros), ("b.txt", b"Texto.")]);
    assert!(flat.len() < 1 << 20);
    expect_code(read(&flat, "bomb.zip"), "too_large");
    let mut small = crate::support::jail("extract-child");
    small.memory_bytes = 64 << 20;
    let ended =
        read_with(&small, &zipped(&[("a.txt", "Texto. ".repeat(3 << 20).as_bytes()), ("b.txt", b"Breve.")]), "a.zip");
    assert_eq!(ended.unwrap().text, "b.txt\n\nBreve.", "one entry too large does not cost the others");
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let letter = char::from(LETTERS[(bits >> (18 - 6 * at)) as usize & 63]);
            text.push(if at <= three.len() { letter } else { '=' });
        }
        if text.len() % 77 == 76 {
            text.push('\n');
        }
    }
    text
}
