//! What can go wrong with a model, in the kinds that a caller treats differently.

use std::path::PathBuf;

/// A fault of a model or of its queue.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModelError {
    /// The queue is full; a retry after so many seconds is worth it.
    #[error("the model is busy; try again in {retry_after} s")]
    Busy { retry_after: u32 },
    /// A file or library is not there.
    #[error("{what} is missing. {advice}")]
    Missing { what: String, advice: String },
    /// A file is not the one that the manifest names.
    #[error("{} is damaged or was replaced: its SHA-256 is {found}, and models.toml says {expected}. Delete it and run `cargo xtask models`.", file.display())]
    WrongHash { file: PathBuf, expected: String, found: String },
    /// The text is longer than the model can take. Nothing is ever cut silently.
    #[error("the text needs {tokens} tokens and the model takes {most}")]
    TooLong { tokens: usize, most: usize },
    /// The caller went away.
    #[error("cancelled")]
    Cancelled,
    /// Anything else; the text is for the log.
    #[error("{0}")]
    Failed(String),
}

impl ModelError {
    pub(crate) fn failed(what: &str, cause: impl std::fmt::Display) -> Self {
        Self::Failed(format!("{what}: {cause}"))
    }

    pub(crate) fn missing(what: impl std::fmt::Display) -> Self {
        Self::Missing { what: what.to_string(), advice: "Run `cargo xtask models` to get it.".to_owned() }
    }
}
