//! The engine's errors as ours.

use fuente_contract::{Error, ErrorCode};
use qdrant_edge::OperationError;

/// Translates an engine error; what the caller did wrong is told, everything else is logged.
pub(super) fn fault(error: OperationError) -> Error {
    match error {
        OperationError::ValidationError { .. }
        | OperationError::WrongVectorDimension { .. }
        | OperationError::WrongSparse => Error::invalid("The vector index refused the request.").because(error),
        OperationError::OutOfMemory { .. } | OperationError::Timeout { .. } => {
            Error::unavailable("The vector index is overloaded. Try again shortly.", 5).because(error)
        }
        other => disk_full(&other.to_string()).unwrap_or_else(|| Error::internal(other)),
    }
}

/// The engine reports a full disk only as text.
pub(super) fn disk_full(cause: &str) -> Option<Error> {
    let full = cause.contains("No space left on device") || cause.contains("os error 28");
    full.then(|| {
        Error::new(ErrorCode::InsufficientStorage, "The disk that holds the vector index is full.").because(cause)
    })
}

/// Whether the segment refuses everything until it is loaded again.
pub(super) fn is_sticky(error: &OperationError) -> bool {
    !matches!(
        error,
        OperationError::ValidationError { .. }
            | OperationError::WrongVectorDimension { .. }
            | OperationError::WrongSparse
    )
}
