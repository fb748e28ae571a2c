//! Why a document gave no text, as a stable code with advice for the person who uploaded it.

use serde::{Deserialize, Serialize};

/// The end of a document that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", content = "detail", rename_all = "snake_case")]
pub enum ExtractError {
    #[error("this kind of file cannot be read: {0}")]
    Unsupported(String),
    #[error("the file is protected by a password")]
    Encrypted,
    #[error("the file is damaged: {0}")]
    Damaged(String),
    #[error("the file holds no text")]
    Empty,
    #[error("the file holds only pictures of text")]
    NeedsOcr,
    #[error("the file is too large: {0}")]
    TooLarge(String),
    #[error("reading the file took too long")]
    TimedOut,
    #[error("reading the file needs too much memory")]
    OutOfMemory,
    #[error("reading the file made the reader crash")]
    Crashed,
    /// Ours, not the file's: the original is not where it was put.
    #[error("the original is gone")]
    Lost,
    /// Ours, not the file's: a library is missing, a process cannot start.
    #[error("the reader is not set up: {0}")]
    Setup(String),
}

impl ExtractError {
    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "unsupported",
            Self::Encrypted => "encrypted",
            Self::Damaged(_) => "damaged",
            Self::Empty => "empty",
            Self::NeedsOcr => "needs_ocr",
            Self::TooLarge(_) => "too_large",
            Self::TimedOut => "timed_out",
            Self::OutOfMemory => "out_of_memory",
            Self::Crashed => "crashed",
            Self::Lost => "original_lost",
            Self::Setup(_) => "setup",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Unsupported(what) => {
                format!("This is {what}. Save it in a format that can be read (PDF, DOCX, PPTX, XLSX, OpenDocument, RTF, EPUB, HTML, Markdown, CSV, JSON, EML, plain text, or a ZIP of these) and upload that.")
            }
            Self::Encrypted => "Save the file without a password and upload it again.".to_owned(),
            Self::Damaged(how) => format!("Export the file again from its program: {how}."),
            Self::Empty => "The file was read, but there is no text in it. Check that it is the right file.".to_owned(),
            Self::NeedsOcr => "The pages are pictures. Install tesseract where documents are read (Debian and Ubuntu: apt-get install tesseract-ocr, and tesseract-ocr-spa or the like for each language; see extract.ocr_languages) and try again, or run text recognition (OCR) on the file and upload the result.".to_owned(),
            Self::TooLarge(what) => format!("Split the file and upload the parts: {what}."),
            Self::TimedOut => "The file is too complex to read in the time allowed (extract.wall_seconds, extract.cpu_seconds). Export it again, more simply, or split it.".to_owned(),
            Self::OutOfMemory => "The file unpacks to more than the memory allowed (extract.memory_bytes). Split it, or export it without large pictures.".to_owned(),
            Self::Crashed => "The file is malformed, or unpacks to more than its reader survives. Export it again from its program.".to_owned(),
            Self::Lost => "The original is no longer in the data folder's `blobs`. Restore that folder from a backup and retry, or upload the file again; `fuente doctor --deep` lists what else is missing.".to_owned(),
            Self::Setup(what) => format!("This is not the file's fault: {what}. `fuente doctor` says what is missing."),
        }
    }

    /// Whether another attempt with the same file may end differently.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Setup(_))
    }
}
