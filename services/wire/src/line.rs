//! A body of two parts: one line of JSON that says what follows, then bytes as they come.

use bytes::{Bytes, BytesMut};
use fuente_contract::{Error, Result};
use futures_util::{Stream, StreamExt, stream};
use serde::de::DeserializeOwned;

/// Longest first line: rules, a title and metadata fit many times over.
const LINE: usize = 256 * 1024;

/// Stands for the version that answers where a path names a version.
pub(crate) const CURRENT: &str = "current";

/// Reads up to the first line end, and hands back the line's JSON and everything after it.
pub(crate) async fn first_line<T: DeserializeOwned, E>(
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<(T, impl Stream<Item = Result<Bytes, E>>)> {
    let mut head = BytesMut::new();
    let end = loop {
        if let Some(end) = head.iter().position(|byte| *byte == b'\n') {
            break end;
        }
        if head.len() > LINE {
            return Err(Error::invalid("The body's first line is too long."));
        }
        match body.next().await {
            Some(Ok(chunk)) => head.extend_from_slice(&chunk),
            _ => return Err(Error::invalid("The body ends before its first line does.")),
        }
    };
    let line = serde_json::from_slice(&head[..end])
        .map_err(|error| Error::invalid(format!("The body's first line is not valid: {error}.")))?;
    let rest = head.split_off(end + 1).freeze();
    Ok((line, stream::iter((!rest.is_empty()).then_some(Ok(rest))).chain(body)))
}
