//! Faults of the rooms below, as the few codes that callers know.

use fuente_contract::Error;
use fuente_models::ModelError;

/// A model that is busy is worth a retry; anything else is ours to mend.
pub(crate) fn from_model(error: ModelError) -> Error {
    match error {
        ModelError::Busy { retry_after } => {
            Error::unavailable("The embedding queue is full. Try again in a moment.", retry_after)
        }
        other => Error::internal(other),
    }
}
