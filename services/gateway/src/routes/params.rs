//! Query parameters that many lists share, and ids inside them.

use fuente_contract::{Cursor, Error, Page};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;
use uuid::Uuid;

/// Which part of a list to return.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// `next` of the page before; leave out for the first page.
    #[serde(default, deserialize_with = "after")]
    after: Option<String>,
    /// Rows wanted, 1 to 200; 50 if left out.
    #[serde(default, deserialize_with = "limit")]
    limit: Option<u32>,
}

impl From<ListParams> for Cursor {
    fn from(params: ListParams) -> Self {
        Self { after: params.after, limit: params.limit }
    }
}

/// Reads an id. A malformed one becomes the nil id, which nothing has: it then answers exactly
/// like an id that does not exist.
pub(super) fn id<'de, D: Deserializer<'de>, T: From<Uuid>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(T::from(text.parse().unwrap_or_default()))
}

/// [`id`] for a parameter that may be left out.
pub(super) fn some_id<'de, D: Deserializer<'de>, T: From<Uuid>>(deserializer: D) -> Result<Option<T>, D::Error> {
    id(deserializer).map(Some)
}

/// Rows wanted. A number that no page has is refused: to be given fewer than asked for looks like the
/// end of the list.
pub(super) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wanted = text.parse().ok().filter(|wanted| (1..=200).contains(wanted));
    wanted.map(Some).ok_or_else(|| D::Error::custom("`limit` takes a number from 1 to 200"))
}

/// Where a page begins. What no page ever gave is refused: a list from nowhere looks empty.
pub(super) fn after<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<Uuid>() {
        Ok(_) => Ok(Some(text)),
        Err(_) => Err(D::Error::custom("`after` takes the `next` of the page before")),
    }
}

/// A page of rows as a page of what callers may see of them.
pub(super) fn view<T, V: From<T>>(page: Page<T>) -> Page<V> {
    Page { items: page.items.into_iter().map(V::from).collect(), next: page.next }
}

/// An id in the path or in a form. A malformed one answers like one that does not exist.
pub(super) fn parse<T: From<Uuid>>(text: &str) -> Result<T, Error> {
    text.trim().parse().map(T::from).map_err(|_: uuid::Error| Error::not_found())
}
