//! The child process: one request on stdin, one document, one result on stdout, no way out.

use crate::recognise::{Asker, Recognise, Said};
use crate::{ExtractError, Extracted, Limits, confine, formats, ocr};
use pdfium_render::prelude::Pdfium;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the parent asks, as one JSON line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) pdfium: PathBuf,
    pub(crate) limits: Limits,
}

/// Longer names and paths than this do not exist.
const MAX_REQUEST: u64 = 1 << 20;

/// What the child answers.
pub(crate) type Outcome = Result<Extracted, ExtractError>;

/// What a child says whose system calls nothing filters.
pub(crate) const UNFILTERED: &str = "fuente: system calls are not filtered on this machine";
/// What a child says around which the kernel puts no wall of its own.
pub(crate) const UNWALLED: &str = "fuente: this kernel has no landlock";

/// Runs the hidden command `extract-child` of a program that ingests. Call it before threads start.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(2);
    if arguments.next().as_deref() == Some(ocr::ARGUMENT) {
        return ocr::become_the_program(&arguments.next().unwrap_or_default());
    }
    let meter = confine::Meter::new();
    reply(answer(formats::read), meter)
}

/// The same child with another reader: for tests of the confinement, which need one that misbehaves.
#[doc(hidden)]
#[must_use]
pub fn main_with(read: fn(&[u8]) -> Result<Extracted, ExtractError>) -> ExitCode {
    let meter = confine::Meter::new();
    reply(answer(|source, _| read(source.bytes)), meter)
}

fn reply(outcome: Outcome, meter: confine::Meter) -> ExitCode {
    let said = Said::Done { outcome: Box::new(outcome), peak_kib: meter.peak_kib() };
    let mut bytes = match serde_json::to_vec(&said) {
        Ok(bytes) => bytes,
        Err(_) => return ExitCode::FAILURE,
    };
    bytes.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(&bytes).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(read: impl FnOnce(&formats::Source<'_>, &Limits) -> Outcome) -> Outcome {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_REQUEST)
        .read_line(&mut line)
        .map_err(|error| ExtractError::Setup(format!("no request came ({error})")))?;
    let request: Request = serde_json::from_str(&line)
        .map_err(|error| ExtractError::Setup(format!("the request is malformed ({error})")))?;
    confine::limit(&request.limits).map_err(ExtractError::Setup)?;
    let bytes = load(&request.path, &request.limits)?;
    let pdfium = match formats::needs_pdfium(&bytes, &request.name) {
        formats::Pdf::Itself => Some(bind(&request.pdfium)?),
        // Where it is missing, only the documents inside that need it are left out.
        formats::Pdf::Inside => bind(&request.pdfium).ok(),
        formats::Pdf::No => None,
    };
    let held = confine::drop_rights().map_err(ExtractError::Setup)?;
    // On standard error, which the parent reads: a document's child has no log.
    if !held.filtered {
        eprintln!("{UNFILTERED}");
    }
    if !held.walled {
        eprintln!("{UNWALLED}");
    }
    let asker = Asker { pages_left: Cell::new(request.limits.ocr_pages) };
    let recognise = (request.limits.ocr_pages > 0).then_some(&asker as &dyn Recognise);
    let around = formats::around::Around::new(&bytes, recognise);
    let source = formats::Source { bytes: &bytes, name: &request.name, pdfium: pdfium.as_ref(), around: &around };
    read(&source, &request.limits)
}

/// The whole file: readers need to seek, and nothing can be opened later.
fn load(path: &Path, limits: &Limits) -> Result<Vec<u8>, ExtractError> {
    let unreadable = |error: std::io::Error| ExtractError::Setup(format!("the stored file cannot be opened ({error})"));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let allowed = limits.memory_bytes / 2;
    if length > allowed {
        return Err(ExtractError::TooLarge(format!("it is larger than {} MB", allowed >> 20)));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(allowed + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn bind(library: &Path) -> Result<Pdfium, ExtractError> {
    let bindings = Pdfium::bind_to_library(library);
    let missing =
        |error| ExtractError::Setup(format!("the PDF library {} cannot be loaded ({error})", library.display()));
    bindings.map(Pdfium::new).map_err(missing)
}
