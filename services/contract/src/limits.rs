//! Bounds that several rooms check. They stand here once, so that a call which passes the door is
//! not refused further in.

/// Longest question or query, in characters after trimming: what is longer is a document.
pub const QUESTION: usize = 2_000;

/// Most rules of one policy.
pub const RULES: usize = 100;

/// Most groups that one rule may combine.
pub const GROUPS: usize = 20;

/// Most entries in a document's metadata, and the most characters of a name and of a value.
pub const METADATA_KEYS: usize = 32;
pub const METADATA_KEY: usize = 64;
pub const METADATA_VALUE: usize = 500;
