//! Moves the bytes of a request, which belong to one thread, into a stream that may cross threads.

use bytes::Bytes;
use fuente_contract::ingest::ByteStream;
use fuente_contract::{Error, ErrorCode, Result};
use futures_util::{Stream, StreamExt};
use std::io;
use tokio::sync::mpsc;

/// Chunks in flight. Small, so that a slow disk slows the sender down instead of filling memory.
const IN_FLIGHT: usize = 4;

/// Runs `accept` on the bytes of `source`, at most `limit` of them, in constant memory.
///
/// # Errors
/// `TooLarge` past the limit, the error of `source` where it has one, else what `accept` says.
pub async fn through<S, F, T>(source: S, limit: u64, accept: impl FnOnce(ByteStream) -> F) -> Result<T>
where
    S: Stream<Item = Result<Bytes>>,
    F: Future<Output = Result<T>>,
{
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let bytes = tokio_stream::wrappers::ReceiverStream::new(receiver).boxed();
    let (pumped, accepted) = futures_util::future::join(pump(source, limit, sender), accept(bytes)).await;
    // The reason why the bytes ended early says more than what the store made of it.
    pumped?;
    accepted
}

async fn pump(
    source: impl Stream<Item = Result<Bytes>>,
    limit: u64,
    sender: mpsc::Sender<io::Result<Bytes>>,
) -> Result<()> {
    let mut source = std::pin::pin!(source);
    let mut seen = 0_u64;
    while let Some(chunk) = source.next().await {
        let fault = match chunk {
            Ok(bytes) => {
                seen += bytes.len() as u64;
                if seen <= limit {
                    if sender.send(Ok(bytes)).await.is_err() {
                        // `accept` has ended and says why.
                        return Ok(());
                    }
                    continue;
                }
                too_large(limit)
            }
            Err(error) => error,
        };
        // An error, not an end: half a file must never be taken for a whole one.
        drop(sender.send(Err(io::Error::other(fault.detail.clone()))).await);
        return Err(fault);
    }
    Ok(())
}

/// The refusal of an upload past `limit` bytes.
#[must_use]
pub fn too_large(limit: u64) -> Error {
    Error::new(ErrorCode::TooLarge, format!("The file is larger than {limit} bytes."))
}

/// The refusal of an upload that ended before its end.
pub fn broken_off(cause: impl std::fmt::Display) -> Error {
    Error::invalid("The upload broke off before its end.").because(cause)
}
