//! Which format a document is: its content decides, its name only hints.

use super::{Source, archive, decode, json, mail, picture};
use crate::ExtractError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pdf,
    Docx,
    Pptx,
    Xlsx,
    Odt,
    Ods,
    Odp,
    Rtf,
    Epub,
    Csv,
    Json,
    Mail,
    Zip,
    Picture,
    Html,
    Markdown,
    Text,
}

/// How far into a file its first mark may stand (some mailers put lines before a PDF).
const MARK_WITHIN: usize = 1024;

/// Beginnings of files that are known and not read, with what to call them.
const UNREAD: &[(&[u8], &str)] = &[
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"%!PS", "a PostScript file"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xBC\xAF", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xFD7zXZ", "an xz archive"),
    (b"\x7FELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound or video file"),
    (b"RIFF", "a sound, video or WebP file"),
];

pub(super) fn is_pdf(bytes: &[u8]) -> bool {
    find(&bytes[..bytes.len().min(MARK_WITHIN)], b"%PDF-").is_some()
}

/// Whether this may be a mail; its reader decides.
pub(super) fn is_mail(bytes: &[u8], name: &str) -> bool {
    let (head, _) = decode::decode(&bytes[..bytes.len().min(16 * 1024)]);
    name.to_ascii_lowercase().ends_with(".eml") || mail::looks_like(&head)
}

pub(super) fn kind(source: &Source<'_>) -> Result<Kind, ExtractError> {
    let bytes = source.bytes;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ExtractError::Empty);
    }
    if is_pdf(bytes) {
        return Ok(Kind::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return archive::kind(bytes);
    }
    if bytes.starts_with(b"{\\rtf") {
        return Ok(Kind::Rtf);
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Err(compound(bytes));
    }
    if picture::mime(bytes).is_some() {
        return Ok(Kind::Picture);
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Err(ExtractError::Unsupported("a video or HEIC picture".to_owned()));
    }
    let binary = decode::looks_binary(bytes);
    // Two letters are too few for a text that happens to begin with them.
    let known = UNREAD.iter().find(|(mark, _)| bytes.starts_with(mark) && (binary || mark.len() > 3));
    match known {
        Some((_, what)) => Err(ExtractError::Unsupported((*what).to_owned())),
        None if binary => Err(ExtractError::Unsupported("a binary file of unknown kind".to_owned())),
        None => text_kind(source),
    }
}

/// Streams that tell which program wrote an old file; the last entry fits all of them.
const OLD: &[(&str, &str)] = &[
    ("__substg1.0_", "an Outlook message (MSG)"),
    ("WordDocument", "a Word document in the format before 2007 (DOC)"),
    ("PowerPoint Document", "a PowerPoint presentation in the format before 2007 (PPT)"),
    ("Workbook", "an Excel workbook in the format before 2007 (XLS)"),
    ("", "an Office file in the format before 2007"),
];

/// Old Office files and encrypted new ones share one container, with names in UTF-16.
fn compound(bytes: &[u8]) -> ExtractError {
    let holds = |name: &str| {
        let utf16: Vec<u8> = name.bytes().flat_map(|byte| [byte, 0]).collect();
        utf16.is_empty() || find(bytes, &utf16).is_some()
    };
    if holds("EncryptedPackage") {
        return ExtractError::Encrypted;
    }
    let known = OLD.iter().find(|(name, _)| holds(name)).map_or("an Office file", |(_, what)| what);
    ExtractError::Unsupported(known.to_owned())
}

fn text_kind(source: &Source<'_>) -> Result<Kind, ExtractError> {
    let extension = source.name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let (head, _) = decode::decode(&source.bytes[..source.bytes.len().min(64 * 1024)]);
    let extension = extension.as_deref().unwrap_or_default();
    if matches!(extension, "mbox" | "msg") {
        return Err(ExtractError::Unsupported("a mailbox, or a mail of another kind than EML".to_owned()));
    }
    if extension == "eml" || mail::looks_like(&head) {
        return Ok(Kind::Mail);
    }
    if matches!(extension, "csv" | "tsv" | "tab") {
        return Ok(Kind::Csv);
    }
    if json::has_name(extension) || (extension != "md" && json::looks_like(&head, source.bytes)) {
        return Ok(Kind::Json);
    }
    if looks_like_html(&head, extension) {
        return Ok(Kind::Html);
    }
    match extension {
        "md" | "markdown" | "mdown" | "mkd" | "mdx" => Ok(Kind::Markdown),
        "txt" | "text" | "log" | "xml" | "yaml" | "yml" | "ini" | "sql" => Ok(Kind::Text),
        _ if looks_like_markdown(&head) => Ok(Kind::Markdown),
        _ => Ok(Kind::Text),
    }
}

fn looks_like_html(head: &str, extension: &str) -> bool {
    let start = skip_prolog(head).get(..32).unwrap_or_else(|| skip_prolog(head)).to_lowercase();
    let opens = ["<!doctype html", "<html", "<head", "<body"].iter().any(|mark| start.starts_with(mark));
    let named = matches!(extension, "html" | "htm" | "xhtml");
    opens || (named && head.contains('<'))
}

/// The text behind XML declarations, comments and white space.
fn skip_prolog(mut head: &str) -> &str {
    loop {
        head = head.trim_start();
        let end = match head {
            _ if head.starts_with("<?") => "?>",
            _ if head.starts_with("<!--") => "-->",
            _ => return head,
        };
        match head.split_once(end) {
            Some((_, rest)) => head = rest,
            None => return head,
        }
    }
}

/// Two different habits of Markdown in one text are no accident.
fn looks_like_markdown(head: &str) -> bool {
    let any = |test: &dyn Fn(&str) -> bool| head.lines().any(test);
    let signs = [
        any(&|line| {
            line.trim_start_matches('#').starts_with(' ')
                && (1..=6).contains(&(line.len() - line.trim_start_matches('#').len()))
        }),
        any(&|line| line.starts_with("```") || line.starts_with("~~~")),
        any(&|line| line.contains("](")),
        any(&|line| line.starts_with('|') && line.contains("---")),
        any(&|line| line.split("**").count() >= 3),
        head.starts_with("---\n") && head.contains("\n---\n"),
    ];
    signs.into_iter().filter(|sign| *sign).count() >= 2
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}
