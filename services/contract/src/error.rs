//! Few stable codes. The HTTP table is [`ErrorCode::status`], and it is the only one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Result of every call between rooms.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the few kinds a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is malformed or breaks a rule; the detail says which.
    InvalidRequest,
    /// No valid credential.
    Unauthenticated,
    /// A valid credential without the needed role or scope. Never used for objects: see `NotFound`.
    Forbidden,
    /// No such object, or none that the caller may see: the two are the same answer.
    NotFound,
    /// The path exists, but not for this method.
    MethodNotAllowed,
    /// The change collides with what exists (a name taken, a group still in use, a cycle).
    Conflict,
    /// The body is larger than the limit.
    TooLarge,
    /// The file's format is not supported.
    UnsupportedMedia,
    /// The caller's own quota is used up.
    RateLimited,
    /// A queue is full or a dependency is away; try again after `retry_after` seconds.
    Unavailable,
    /// A disk is full.
    InsufficientStorage,
    /// The caller cancelled.
    Cancelled,
    /// A fault of ours. The cause is in the log, never in the reply.
    Internal,
}

impl ErrorCode {
    /// The HTTP status of the code.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 422,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMedia => 415,
            Self::RateLimited => 429,
            Self::Unavailable => 503,
            Self::InsufficientStorage => 507,
            Self::Cancelled => 499,
            Self::Internal => 500,
        }
    }

    /// A short human title, the same for every error of the code.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is not valid",
            Self::Unauthenticated => "Sign in first",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::Conflict => "It collides with what exists",
            Self::TooLarge => "Too large",
            Self::UnsupportedMedia => "Unsupported format",
            Self::RateLimited => "Too many requests",
            Self::Unavailable => "Not available right now",
            Self::InsufficientStorage => "No space left",
            Self::Cancelled => "Cancelled",
            Self::Internal => "Something broke on our side",
        }
    }
}

/// An error that may cross a process. `detail` is safe to show; `cause` never leaves the process.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Error {
    pub code: ErrorCode,
    pub detail: String,
    /// Seconds after which a retry is worth it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after: Option<u32>,
    /// For the log of the process where it happened.
    #[serde(skip)]
    #[schema(ignore)]
    pub cause: Option<String>,
}

impl Error {
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None, cause: None }
    }
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, detail)
    }
    /// The one answer for "does not exist" and "not yours to see".
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "There is no such object, or you may not see it.")
    }
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, detail)
    }
    #[must_use]
    pub fn unavailable(detail: impl Into<String>, retry_after: u32) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::Unavailable, detail) }
    }
    /// Hides `cause` behind a plain sentence; the edge logs it once.
    #[must_use]
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(
                ErrorCode::Internal,
                "Something broke on our side. The administrator finds the cause in the log.",
            )
        }
    }
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.detail)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
