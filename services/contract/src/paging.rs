//! Lists page by an opaque cursor: the sort key of the last row, never an offset or a count.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which part of a list to return.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Cursor {
    /// `next` of the page before; absent for the first page.
    #[serde(default)]
    pub after: Option<String>,
    /// Rows wanted, 1 to 200; 50 where absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

impl Cursor {
    /// Rows to return, within bounds.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::from(self.limit.unwrap_or(50).clamp(1, 200))
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Send as `after` to get the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}
