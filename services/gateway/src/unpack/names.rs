//! Names inside an archive: which become a document's external id, and why the others do not.

use serde::Serialize;
use utoipa::ToSchema;

/// Longest path, and longest file name at its end, in characters: those of every upload.
const PATH: usize = 500;
const NAME: usize = 255;

/// Why a file in an archive becomes no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LeftOut {
    /// A hidden file, or one that systems put into archives on their own. It is skipped.
    Hidden,
    /// Its path is absolute, leads out of the archive, or cannot be read.
    UnsafePath,
    /// Its path is longer than an external id may be.
    LongName,
    /// A link or a device.
    NotAFile,
    /// A file before it has the same path.
    Duplicate,
    Encrypted,
    /// Packed in a way that is not read.
    Unsupported,
    Damaged,
    /// Larger than an upload may be.
    TooLarge,
}

impl LeftOut {
    /// What to say of it; nothing where there is nothing to mend.
    pub(crate) fn detail(self) -> Option<&'static str> {
        Some(match self {
            Self::Hidden => return None,
            Self::UnsafePath => {
                "Its path is absolute, leads out of the archive or cannot be read. Pack it with a plain relative path."
            }
            Self::LongName => "Its path is too long: 500 characters, and 255 of the file's own name.",
            Self::NotAFile => "It is a link or a device. Pack the file itself.",
            Self::Duplicate => "A file before it has the same path; that one counts.",
            Self::Encrypted => "It is encrypted. Pack it without a password.",
            Self::Unsupported => "It is packed in a way that is not read. Use the usual one (deflate).",
            Self::Damaged => "It does not unpack. Make the archive again.",
            Self::TooLarge => "It is larger than an upload may be (gateway.max_upload_bytes).",
        })
    }
}

/// The name to show: hostile ones may be 64 KiB long, so no more is kept than tells that it is too long.
pub(crate) fn shown(raw: &[u8], name: Option<&str>) -> String {
    let cut = |name: &str| name.chars().take(PATH + 1).collect();
    match name {
        Some(name) => cut(name),
        // A character that no path may hold stays in it, so that it is refused.
        None => cut(&String::from_utf8_lossy(&raw[..raw.len().min(4 * PATH)])) + "\u{FFFD}",
    }
}

/// The path inside the archive, with `/` between its parts.
pub(crate) fn path(name: &str) -> Result<String, LeftOut> {
    let odd = |letter: char| letter.is_control() || letter == '\u{FFFD}';
    let absolute = name.starts_with(['/', '\\']) || name.as_bytes().get(1) == Some(&b':');
    let parts: Vec<&str> = name.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    let last = parts.last().copied().unwrap_or_default().trim();
    if absolute || name.contains(odd) || parts.contains(&"..") || last.is_empty() {
        return Err(LeftOut::UnsafePath);
    }
    let debris = matches!(last, "Thumbs.db" | "desktop.ini") || parts.first() == Some(&"__MACOSX");
    if debris || parts.iter().any(|part| part.starts_with('.')) {
        return Err(LeftOut::Hidden);
    }
    let path = parts.join("/").trim().to_owned();
    if path.chars().count() > PATH || last.chars().count() > NAME {
        return Err(LeftOut::LongName);
    }
    Ok(path)
}

/// Whether an entry at this place makes the archive one document: Office packages have the one,
/// OpenDocument files and e-books begin with the other.
pub(crate) fn marks_a_document(name: &str, place: usize) -> bool {
    name == "[Content_Types].xml" || (place == 0 && name == "mimetype")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_are_taken() {
        for (name, expected) in [
            ("hr/leave.md", Ok("hr/leave.md")),
            ("./hr//./leave.md", Ok("hr/leave.md")),
            ("hr\\year 2026\\leave.md", Ok("hr/year 2026/leave.md")),
            ("año.pdf", Ok("año.pdf")),
            ("v1..2.md", Ok("v1..2.md")),
            ("/etc/passwd", Err(LeftOut::UnsafePath)),
            ("\\\\server\\share\\a.md", Err(LeftOut::UnsafePath)),
            ("C:\\a.md", Err(LeftOut::UnsafePath)),
            ("a/../../b.md", Err(LeftOut::UnsafePath)),
            ("..\\b.md", Err(LeftOut::UnsafePath)),
            ("a\0.md", Err(LeftOut::UnsafePath)),
            ("a\n.md", Err(LeftOut::UnsafePath)),
            ("", Err(LeftOut::UnsafePath)),
            (" ", Err(LeftOut::UnsafePath)),
            ("__MACOSX/hr/._leave.md", Err(LeftOut::Hidden)),
            ("hr/.DS_Store", Err(LeftOut::Hidden)),
            (".git/config", Err(LeftOut::Hidden)),
            ("hr/Thumbs.db", Err(LeftOut::Hidden)),
        ] {
            assert_eq!(path(name), expected.map(str::to_owned), "{name:?}");
        }
        assert_eq!(path(&format!("{}.md", "x".repeat(253))), Err(LeftOut::LongName));
        assert_eq!(path(&"x/".repeat(300)), Err(LeftOut::LongName));
        assert_eq!(path(&shown(b"\xFF.md", None)), Err(LeftOut::UnsafePath));
        assert_eq!(path(&shown(&[b'x'; 60_000], Some(&"x/y".repeat(20_000)))), Err(LeftOut::LongName));
    }
}
