//! The words that cross a boundary: ids, [`Scope`], requests, replies, error codes and
//! the three traits ([`Ingest`], [`Search`], [`Answer`]) by which processes call each other.
//!
//! The two rules about text that several rooms must share are here too: where a sentence ends
//! ([`sentences`]) and what kind of thing a question asks for ([`asked`]).
//!
//! This room never does I/O, never speaks HTTP or SQL, and depends on no other room.

pub mod access;
pub mod answer;
pub mod asked;
pub mod document;
pub mod drift;
pub mod embedding;
pub mod error;
pub mod evidence;
pub mod ids;
pub mod ingest;
pub mod limits;
pub mod manage;
pub mod paging;
pub mod scope;
pub mod search;
pub mod sentences;

pub use answer::{Answer, AnswerEvent, AnswerStream, AskRequest};
pub use error::{Error, ErrorCode, Result};
pub use ids::*;
pub use ingest::Ingest;
pub use paging::{Cursor, Page};
pub use scope::{Credential, Door, Role, Scope, SystemScope};
pub use search::{Search, SearchReply, SearchRequest};
