//! The client's errors as ours.

use fuente_contract::{Error, ErrorCode};
use qdrant_client::QdrantError;
use tonic::Code;

/// Translates a client error. A server that is away or too busy is worth another try; the
/// rest is ours to mend, and stays in the log.
pub(super) fn fault(error: QdrantError) -> Error {
    const AWAY: &str = "The vector server does not answer. Try again shortly.";
    match &error {
        QdrantError::ResponseError { status } => match status.code() {
            // A broken connection has no code of its own, and the client calls one that it
            // could not make an internal error.
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Aborted | Code::Unknown => {
                Error::unavailable(AWAY, 5).because(error)
            }
            Code::Internal if status.message().starts_with("Failed to connect") => {
                Error::unavailable(AWAY, 5).because(error)
            }
            Code::Unauthenticated | Code::PermissionDenied => Error::new(
                ErrorCode::Internal,
                "The vector server refused our key. The administrator must set vectors.api_key.",
            )
            .because(error),
            _ if status.message().contains("No space left on device") => {
                Error::new(ErrorCode::InsufficientStorage, "The disk of the vector server is full.").because(error)
            }
            _ => Error::internal(error),
        },
        QdrantError::ResourceExhaustedError { retry_after_seconds, .. } => {
            let wait = u32::try_from(*retry_after_seconds).unwrap_or(u32::MAX);
            Error::unavailable("The vector server is overloaded. Try again shortly.", wait).because(error)
        }
        QdrantError::Io(_) => Error::unavailable(AWAY, 5).because(error),
        QdrantError::InvalidUri(_) => Error::invalid("vectors.url is not an address.").because(error),
        _ => Error::internal(error),
    }
}
