//! Bounds that several rooms check. They stand here once, so that a call which passes the door is
//! not refused further in.

use crate::error::{Error, Result};

/// Longest question or query, in characters after trimming: what is longer is a document.
pub const QUESTION: usize = 2_000;

/// Whether `text` can be a question; `field` is what the caller calls it. NUL is refused here, because
/// Postgres refuses it where the answer is stored.
///
/// # Errors
/// `InvalidRequest` with what is expected.
pub fn question(field: &str, text: &str) -> Result<()> {
    if !(1..=QUESTION).contains(&text.trim().chars().count()) {
        return Err(Error::invalid(format!("`{field}` must have 1 to {QUESTION} characters.")));
    }
    if text.contains('\0') {
        return Err(Error::invalid(format!("`{field}` holds a NUL character. Take it out.")));
    }
    Ok(())
}

/// Most rules of one policy.
pub const RULES: usize = 100;

/// Most groups that one rule may combine.
pub const GROUPS: usize = 20;

/// Most entries in a document's metadata, and the most characters of a name and of a value.
pub const METADATA_KEYS: usize = 32;
pub const METADATA_KEY: usize = 64;
pub const METADATA_VALUE: usize = 500;
