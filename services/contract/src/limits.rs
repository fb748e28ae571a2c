//! Bounds that several rooms check. They stand here once, so that a call which passes the door is
//! not refused further in.

/// Longest question or query, in characters after trimming: what is longer is a document.
pub const QUESTION: usize = 2_000;

/// Most rules of one policy.
pub const RULES: usize = 100;

/// Most groups that one rule may combine.
pub const GROUPS: usize = 20;
