//! Plain bytes: long, wide, in every encoding, or pretending.

use crate::Made;

const WORDS: &str = "La señora Ñíguez pidió más café. ";

pub(crate) fn make(each: &mut dyn FnMut(Made)) {
    let mut give = |name: &str, bytes: Vec<u8>| each((name.to_owned(), bytes));
    give("one-line-100mb.txt", vec![b'x'; 100 << 20]);
    give("words-100mb.txt", "word ".repeat(20 << 20).into_bytes());
    give("one-line-10mb.txt", vec![b'x'; 10 << 20]);
    give("million-columns.csv", "a,".repeat(1_000_000).into_bytes());
    give("million-rows.csv", "a,b\n".repeat(1_000_000).into_bytes());
    give("unclosed-quote.csv", format!("a,b\n\"{}", "x,y\n".repeat(500_000)).into_bytes());
    give("nul.txt", vec![0; 1 << 20]);
    give("noise.bin", (0..1_u32 << 18).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect());
    give("tags.txt", format!("Pay{}", "\u{E0041}\u{202E}\u{200B}".repeat(100_000)).into_bytes());
    give("rtl.txt", format!("\u{202E}{}", "שלום עולם ".repeat(1000)).into_bytes());
    give("combining.txt", format!("a{}", "\u{301}".repeat(500_000)).into_bytes());
    give("empty.docx", Vec::new());
    give("blank.txt", b" \n\t ".repeat(100_000));
    give("utf16le.txt", WORDS.repeat(99).encode_utf16().flat_map(u16::to_le_bytes).collect());
    give("utf16be.csv", format!("\u{FEFF}{WORDS}").encode_utf16().flat_map(u16::to_be_bytes).collect());
    give("latin1.txt", WORDS.repeat(99).chars().map(|c| u32::from(c) as u8).collect());
    give("utf8-bom.json", "\u{FEFF}{\"a\": \"ñ\"}".as_bytes().to_vec());
    give("utf7.txt", b"+AFs-text+AF0-".to_vec());
    give("gb18030.txt", b"\xC4\xE3\xBA\xC3\xCA\xC0\xBD\xE7\x81\x30\x81\x30".repeat(50));
    give("iso2022jp.txt", b"\x1b$B$3$s$K$A$O\x1b(B".repeat(50));
    give("bad-utf8.txt", b"\xC0\xAF\xED\xA0\x80\xF5\x90 text".repeat(1000));
    let nested = "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x\r\n".repeat(5_000);
    give("deep.eml", format!("From: a@b.c\r\nTo: d@e.f\r\nSubject: s\r\n{nested}").into_bytes());
    let inside = "Content-Type: message/rfc822\r\n\r\nFrom: a@b.c\r\n".repeat(5_000);
    give("mails-in-mails.eml", format!("From: a@b.c\r\nSubject: s\r\n{inside}\r\ntext").into_bytes());
    give("heads.eml", format!("From: a@b.c\r\n{}\r\n\r\ntext", "To: x@y.z\r\n".repeat(200_000)).into_bytes());
}
