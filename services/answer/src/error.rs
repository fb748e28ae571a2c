//! Faults of the engine, as the few codes that callers know.

use fuente_contract::{Error, ErrorCode};
use fuente_models::ModelError;

pub(crate) fn from_model(error: ModelError) -> Error {
    match error {
        ModelError::Busy { retry_after } => {
            Error::unavailable("The engine is busy with other questions. Try again in a moment.", retry_after)
        }
        ModelError::Cancelled => Error::new(ErrorCode::Cancelled, "The answer was stopped."),
        other => Error::internal(other),
    }
}
