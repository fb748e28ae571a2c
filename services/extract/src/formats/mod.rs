//! The formats that can be read: one file each, one line each in the table.

mod archive;
mod decode;
mod docx;
mod epub;
mod grid;
mod html;
mod markdown;
mod numerals;
mod odf;
mod opc;
mod pdf;
mod pptx;
mod rtf;
mod sniff;
mod text;
mod untitled;
mod xlsx;
mod xml;

use crate::canonical::Canonical;
use crate::{ExtractError, Extracted, Limits};
use pdfium_render::prelude::Pdfium;

/// A document as it came.
pub(crate) struct Source<'a> {
    pub(crate) bytes: &'a [u8],
    /// The file's name from outside: a hint, never a path.
    pub(crate) name: &'a str,
    /// Present where the bytes begin like a PDF.
    pub(crate) pdfium: Option<&'a Pdfium>,
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
    Format { kind: sniff::Kind::Html, mime: "text/html", read: html::read },
    Format { kind: sniff::Kind::Markdown, mime: "text/markdown", read: markdown::read },
    Format { kind: sniff::Kind::Text, mime: "text/plain", read: text::read },
];

/// Whether reading `bytes` will need the PDF library.
pub(crate) fn needs_pdfium(bytes: &[u8]) -> bool {
    sniff::is_pdf(bytes)
}

/// Reads one document.
pub(crate) fn read(source: &Source<'_>, limits: &Limits) -> Result<Extracted, ExtractError> {
    let kind = sniff::kind(source)?;
    let format = FORMATS.iter().find(|format| format.kind == kind);
    let format = format.ok_or_else(|| ExtractError::Unsupported("a format without a reader".to_owned()))?;
    let mut canonical = Canonical::new(limits);
    (format.read)(source, &mut canonical)?;
    canonical.finish(format.mime)
}
