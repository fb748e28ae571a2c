//! Archives that unpack to too much, into each other, or to nothing.

use crate::Made;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A ZIP of `entries`.
pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, options()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

/// A ZIP with one entry of `megabytes` of zeros.
fn zeros(name: &str, megabytes: usize) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, options().large_file(true).compression_level(Some(1))).unwrap();
    let block = vec![0; 1 << 20];
    (0..megabytes).for_each(|_| zip.write_all(&block).unwrap());
    zip.finish().unwrap().into_inner()
}

/// Claims `count` entries, all of which are the one that is there.
fn overlapping(count: u16) -> Vec<u8> {
    let one = zip(&[("a.txt", &vec![b'a'; 1 << 20])]);
    let at = one.windows(4).rposition(|mark| mark == b"PK\x01\x02").unwrap();
    let end = one.windows(4).rposition(|mark| mark == b"PK\x05\x06").unwrap();
    let entry = &one[at..end];
    let mut file = one[..at].to_vec();
    (0..count).for_each(|number| {
        let mut entry = entry.to_vec();
        // Each its own name, or the list would fold them into one.
        entry[46..51].copy_from_slice(format!("{number:05}").as_bytes());
        file.extend(entry);
    });
    let size = (file.len() - at) as u32;
    let mut tail = one[end..].to_vec();
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    tail[12..16].copy_from_slice(&size.to_le_bytes());
    file.extend(tail);
    file
}

fn many(count: usize) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    (0..count).for_each(|number| zip.start_file(format!("{number}"), stored).unwrap());
    zip.finish().unwrap().into_inner()
}

pub(crate) fn make(each: &mut dyn FnMut(Made)) {
    let mut give = |name: &str, bytes: Vec<u8>| each((name.to_owned(), bytes));
    give("zeros-10gb.docx", zeros("word/document.xml", 10 * 1024));
    give("flat-bomb.zip", zeros("a.txt", 512));
    // Ten in ten in ten in ten, as 42.zip does it.
    let mut nested = zeros("a.txt", 64);
    for _ in 0..4 {
        let names: Vec<String> = (0..10).map(|number| format!("{number}.zip")).collect();
        let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), nested.as_slice())).collect();
        nested = zip(&entries);
    }
    give("nested-42.zip", nested);
    give("overlapping.zip", overlapping(9_000));
    give("million-entries.zip", many(1_000_000));
    give("million-entries.docx", many(1_000_000));
    give("traversal.zip", zip(&[("../../../etc/passwd.txt", b"root"), ("/abs.txt", b"abs"), ("C:\\a.txt", b"win")]));
    let mut links = ZipWriter::new(Cursor::new(Vec::new()));
    links.add_symlink("link.txt", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    links.start_file("link.txt/inside.txt", options()).unwrap();
    links.write_all(b"inside").unwrap();
    give("symlink.zip", links.finish().unwrap().into_inner());
    let mut locked = zip(&[("a.txt", b"secret text")]);
    // The flag for a password, in both headers.
    let at = locked.windows(4).rposition(|mark| mark == b"PK\x01\x02").unwrap();
    locked[6] |= 1;
    locked[at + 8] |= 1;
    give("encrypted.zip", locked);
    let whole = zip(&[("a.txt", "Some text. ".repeat(1000).as_bytes()), ("b.txt", b"more")]);
    give("truncated.zip", whole[..whole.len() / 2].to_vec());
    let mut spoilt = whole.clone();
    spoilt[40..60].fill(0xFF);
    give("spoilt.zip", spoilt);
    give("empty.zip", b"PK\x05\x06".iter().copied().chain([0; 18]).collect());
    give("only-mark.zip", b"PK\x03\x04".to_vec());
    give("zip-called.pdf", whole);
    let mut ole = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    ole.resize(4096, 0);
    ole.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    give("encrypted.docx", ole.clone());
    give("encrypted.xlsx", ole);
    give("gzip-bomb.gz", b"\x1F\x8B\x08\0\0\0\0\0\0\x03".to_vec());
    let big = (0..100).map(|number| (format!("{number}.txt"), "x y ".repeat(1 << 18))).collect::<Vec<_>>();
    let entries: Vec<(&str, &[u8])> = big.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    give("texts-100mb.zip", zip(&entries));
}
