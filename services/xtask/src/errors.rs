//! What went wrong, in one sentence, and what to do about it, in another.

use std::fmt;
use std::io;
use std::path::Path;

pub type Outcome<T> = Result<T, Problem>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Network,
    Disk,
    Other,
}

#[derive(Debug)]
pub struct Problem {
    pub kind: Kind,
    pub what: String,
    pub advice: String,
}

impl Problem {
    pub fn new(what: impl Into<String>, advice: impl Into<String>) -> Problem {
        Problem { kind: Kind::Other, what: what.into(), advice: advice.into() }
    }

    pub fn disk(place: &Path) -> Problem {
        Problem {
            kind: Kind::Disk,
            what: format!("the disk is full: {} could not be written.", place.display()),
            advice: "Free some space (5 GB for models and tools, 15 GB for the build), or set FUENTE_CACHE and \
                     CARGO_TARGET_DIR to folders on a larger disk, and run the same command again: it goes on \
                     where it stopped."
                .into(),
        }
    }

    pub fn network(what: &str) -> Problem {
        Problem {
            kind: Kind::Network,
            what: format!("no network: {what} could not be downloaded."),
            advice: "Connect, or set HTTPS_PROXY or PIP_INDEX_URL to a proxy or mirror that this machine reaches, \
                     and run the same command again: what is already here is not fetched again."
                .into(),
        }
    }

    /// For a file operation that failed.
    pub fn io(doing: &str, place: &Path, error: &io::Error) -> Problem {
        use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Problem::disk(place),
            PermissionDenied | ReadOnlyFilesystem => Problem::new(
                format!("cannot {doing} {}: {error}.", place.display()),
                "Set FUENTE_CACHE to a folder that you may write to.",
            ),
            _ => Problem::new(format!("cannot {doing} {}: {error}.", place.display()), "Run the same command again."),
        }
    }

    /// For a Python program (pip, or a script of ours) that failed: what its last words mean.
    pub fn from_python(doing: &str, place: &Path, words: &str) -> Problem {
        let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
        if says(&["No space left on device", "Errno 28", "Disk quota exceeded", "File too large"]) {
            return Problem::disk(place);
        }
        if says(NETWORK_SIGNS) {
            return Problem::network(doing);
        }
        if says(&["No matching distribution found"]) {
            return Problem::new(
                format!("the package index does not offer {doing} for this machine."),
                "Fuente's set-up knows Linux on x86-64. If a mirror is set (PIP_INDEX_URL), check that it carries \
                 this package.",
            );
        }
        let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
        Problem::new(format!("{doing} failed: {}.", last.trim().trim_end_matches('.')), "Run the same command again.")
    }
}

/// How pip and urllib say that there is no way to the other side.
const NETWORK_SIGNS: &[&str] = &[
    "Failed to establish a new connection",
    "NewConnectionError",
    "ConnectTimeoutError",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "No route to host",
    "Connection refused",
    "Connection reset",
    "Connection broken",
    "Remote end closed connection",
    "RemoteDisconnected",
    "ProxyError",
    "Tunnel connection failed",
    "Read timed out",
    "timed out",
    "CERTIFICATE_VERIFY_FAILED",
];

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  what to do: {}", self.what, self.advice)
    }
}
