//! Bytes of a document → one canonical text with pages, blocks and character offsets.
//!
//! Everything downstream (passages, evidence, citations) points into that text. Documents come from
//! outside and their parsers are large, so reading happens only in a child process with hard limits
//! ([`child`]); services hold a [`Jail`] and get typed errors, never a crash. Adding a format means
//! one file in `formats/` and one line in its table.

mod canonical;
pub mod child;
mod clean;
mod confine;
mod error;
mod extracted;
mod formats;
mod jail;
mod limits;
mod ocr;
mod recognise;

pub use error::ExtractError;
pub use extracted::{Block, BlockKind, Extracted};
pub use jail::{Jail, Measured, Walls};
pub use limits::Limits;
pub use ocr::Ocr;
