//! The formats that can be read: one file each, one line each in the table.

mod archive;
pub(crate) mod around;
mod csv;
mod decode;
mod docx;
mod epub;
mod grid;
mod html;
mod json;
mod mail;
mod markdown;
mod numerals;
mod odf;
mod opc;
mod pdf;
mod picture;
mod pptx;
mod rtf;
mod sniff;
mod text;
mod untitled;
mod xlsx;
mod xml;
mod zip;

use crate::canonical::Canonical;
use crate::{ExtractError, Extracted, Limits};
use pdfium_render::prelude::Pdfium;

/// A document as it came.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) bytes: &'a [u8],
    /// The file's name from outside: a hint, never a path.
    pub(crate) name: &'a str,
    /// Present where the bytes begin like a PDF.
    pub(crate) pdfium: Option<&'a Pdfium>,
    pub(crate) around: &'a around::Around<'a>,
}

/// One format.
struct Format {
    kind: sniff::Kind,
    mime: &'static str,
    read: fn(&Source<'_>, &mut Canonical<'_>) -> Result<(), ExtractError>,
}

const FORMATS: &[Format] = &[
    Format { kind: sniff::Kind::Pdf, mime: "application/pdf", read: pdf::read },
    Format {
        kind: sniff::Kind::Docx,
        mime: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        read: docx::read,
    },
    Format {
        kind: sniff::Kind::Pptx,
        mime: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        read: pptx::read,
    },
    Format {
        kind: sniff::Kind::Xlsx,
        mime: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        read: xlsx::read,
    },
    Format { kind: sniff::Kind::Odt, mime: "application/vnd.oasis.opendocument.text", read: odf::read_text },
    Format { kind: sniff::Kind::Ods, mime: "application/vnd.oasis.opendocument.spreadsheet", read: odf::read_sheets },
    Format { kind: sniff::Kind::Odp, mime: "application/vnd.oasis.opendocument.presentation", read: odf::read_slides },
    Format { kind: sniff::Kind::Rtf, mime: "application/rtf", read: rtf::read },
    Format { kind: sniff::Kind::Epub, mime: "application/epub+zip", read: epub::read },
    Format { kind: sniff::Kind::Csv, mime: "text/csv", read: csv::read },
    Format { kind: sniff::Kind::Json, mime: "application/json", read: json::read },
    Format { kind: sniff::Kind::Mail, mime: "message/rfc822", read: mail::read },
    Format { kind: sniff::Kind::Zip, mime: "application/zip", read: zip::read },
    Format { kind: sniff::Kind::Picture, mime: "image/*", read: picture::read },
    Format { kind: sniff::Kind::Html, mime: "text/html", read: html::read },
    Format { kind: sniff::Kind::Markdown, mime: "text/markdown", read: markdown::read },
    Format { kind: sniff::Kind::Text, mime: "text/plain", read: text::read },
];

/// Whether reading a document takes the PDF library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pdf {
    Itself,
    /// A document inside it may be one.
    Inside,
    No,
}

pub(crate) fn needs_pdfium(bytes: &[u8], name: &str) -> Pdf {
    if sniff::is_pdf(bytes) {
        return Pdf::Itself;
    }
    let may_hold = bytes.starts_with(b"PK") || sniff::is_mail(bytes, name);
    if may_hold { Pdf::Inside } else { Pdf::No }
}

/// Reads one document.
pub(crate) fn read(source: &Source<'_>, limits: &Limits) -> Result<Extracted, ExtractError> {
    let mut canonical = Canonical::new(limits);
    let mime = read_into(source, &mut canonical)?;
    canonical.finish(mime)
}

/// Writes one document behind what `canonical` holds.
fn read_into(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<&'static str, ExtractError> {
    let kind = sniff::kind(source)?;
    let format = FORMATS.iter().find(|format| format.kind == kind);
    let format = format.ok_or_else(|| ExtractError::Unsupported("a format without a reader".to_owned()))?;
    (format.read)(source, canonical)?;
    // Pictures are read alike, and are yet of several types.
    Ok(picture::mime(source.bytes).filter(|_| kind == sniff::Kind::Picture).unwrap_or(format.mime))
}
