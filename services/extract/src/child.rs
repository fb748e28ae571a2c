//! The child process: one request on stdin, one document, one result on stdout, no way out.

use crate::{ExtractError, Extracted, Limits, confine, formats};
use pdfium_render::prelude::Pdfium;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
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

/// What the child answers.
pub(crate) type Outcome = Result<Extracted, ExtractError>;

/// What a child says whose system calls nothing filters.
pub(crate) const UNFILTERED: &str = "fuente: system calls are not filtered on this machine";

/// Runs the hidden command `extract-child` of a program that ingests. Call it before threads start.
#[must_use]
pub fn main() -> ExitCode {
    reply(answer(formats::read))
}

/// The same child with another reader: for tests of the confinement, which need one that misbehaves.
#[doc(hidden)]
#[must_use]
pub fn main_with(read: fn(&[u8]) -> Result<Extracted, ExtractError>) -> ExitCode {
    reply(answer(|source, _| read(source.bytes)))
}

fn reply(outcome: Outcome) -> ExitCode {
    let mut bytes = match serde_json::to_vec(&outcome) {
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
        .read_to_string(&mut line)
        .map_err(|error| ExtractError::Setup(format!("no request came ({error})")))?;
    let request: Request = serde_json::from_str(&line)
        .map_err(|error| ExtractError::Setup(format!("the request is malformed ({error})")))?;
    confine::limit(&request.limits).map_err(ExtractError::Setup)?;
    let bytes = load(&request.path, &request.limits)?;
    let pdfium = if formats::needs_pdfium(&bytes) { Some(bind(&request.pdfium)?) } else { None };
    let filtered = confine::drop_rights().map_err(ExtractError::Setup)?;
    if !filtered {
        // On standard error, which the parent reads: a document's child has no log.
        eprintln!("{UNFILTERED}");
    }
    let source = formats::Source { bytes: &bytes, name: &request.name, pdfium: pdfium.as_ref() };
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
