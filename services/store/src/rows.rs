//! Plain rows that more than one file needs, and small conversions.

use fuente_contract::document::PageStart;
use fuente_contract::{Cursor, PassageId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// A passage, as ingestion writes it and as the re-check reads it.
#[derive(Clone, Debug)]
pub struct PassageRow {
    pub id: PassageId,
    pub ordinal: u32,
    pub char_start: u32,
    pub char_end: u32,
    pub page_from: u32,
    pub page_to: u32,
    pub heading: Vec<String>,
    pub text: String,
    pub lang: String,
    pub tokens: u32,
}

impl PassageRow {
    /// From a row that holds these columns, among others.
    pub(crate) fn read(row: &PgRow) -> Self {
        Self {
            id: PassageId(row.get("id")),
            ordinal: unsigned(row.get("ordinal")),
            char_start: unsigned(row.get("char_start")),
            char_end: unsigned(row.get("char_end")),
            page_from: unsigned(row.get("page_from")),
            page_to: unsigned(row.get("page_to")),
            heading: row.get("heading"),
            text: row.get("text"),
            lang: row.get("lang"),
            tokens: unsigned(row.get("tokens")),
        }
    }
}

/// The canonical text of a version, as extraction gives it.
#[derive(Clone, Debug)]
pub struct TextRow {
    pub text: String,
    pub pages: Vec<PageStart>,
    pub lang: String,
    pub title: Option<String>,
    pub mime: String,
}

pub(crate) fn stamp(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

/// Offsets and page numbers fit: texts are limited far below two billion characters.
pub(crate) fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

pub(crate) fn unsigned(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

/// The id after which a list goes on; ids are time-ordered. A cursor that is no id of ours starts
/// nowhere, so that it reveals nothing.
pub(crate) fn after(cursor: &Cursor) -> Uuid {
    match cursor.after.as_deref() {
        None => Uuid::nil(),
        Some(text) => text.parse().unwrap_or(Uuid::max()),
    }
}

/// Cuts the one row too many that tells whether there is a next page.
pub(crate) fn page<T>(mut items: Vec<T>, cursor: &Cursor, id: impl Fn(&T) -> Uuid) -> fuente_contract::Page<T> {
    let limit = usize::try_from(cursor.limit()).unwrap_or(50);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(|item| id(item).to_string()) } else { None };
    fuente_contract::Page { items, next }
}
