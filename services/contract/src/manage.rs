//! What administrators see of documents, versions and jobs beyond what readers see.

use crate::document::{DocumentInfo, JobState};
use crate::error::{Error, Result};
use crate::ids::{DocumentId, LibraryId, VersionId};
use crate::limits::{METADATA_KEY, METADATA_KEYS, METADATA_VALUE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What an uploader says of a document: names and values, both plain text.
pub type Metadata = BTreeMap<String, String>;

/// Refuses metadata that is too much to be kept beside a document.
///
/// # Errors
/// `InvalidRequest`, with the bound that it breaks.
pub fn check_metadata(metadata: &Metadata) -> Result<()> {
    if metadata.len() > METADATA_KEYS {
        return Err(Error::invalid(format!("`metadata` may have {METADATA_KEYS} entries at most.")));
    }
    for (key, value) in metadata {
        if key.trim().is_empty() || key.chars().count() > METADATA_KEY || key.chars().any(char::is_control) {
            return Err(Error::invalid(format!(
                "A name in `metadata` must have 1 to {METADATA_KEY} characters, none of them a control character."
            )));
        }
        if value.chars().count() > METADATA_VALUE || value.contains('\0') {
            return Err(Error::invalid(format!(
                "A value in `metadata` may have {METADATA_VALUE} characters at most, and no NUL."
            )));
        }
    }
    Ok(())
}

/// How a document stands: what its newest job says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// Its newest version answers.
    Ready,
    /// A version waits or is worked on; the one before it answers meanwhile, if there is one.
    Processing,
    /// Its newest version was refused or given up.
    Failed,
    /// The work on its newest version was cancelled.
    Cancelled,
}

impl DocumentState {
    /// The stable name, as sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Processing => "processing",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<JobState> for DocumentState {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued | JobState::Running => Self::Processing,
            JobState::Failed | JobState::Dead => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
            JobState::Done => Self::Ready,
        }
    }
}

/// A document as its managers see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ManagedDocument {
    #[serde(flatten)]
    pub info: DocumentInfo,
    pub state: DocumentState,
    /// Size of the newest version's original.
    pub bytes: u64,
    /// blake3 of the newest version's original, in hexadecimal: equal bytes need not be sent again.
    pub hash: String,
}

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Accepted, not published.
    Pending,
    /// The one that answers.
    Live,
    /// A newer one answers; this one's text stays for the citations that point into it.
    Superseded,
    /// Refused.
    Failed,
}

impl VersionState {
    /// Reads a stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "pending" => Some(Self::Pending),
            "live" => Some(Self::Live),
            "superseded" => Some(Self::Superseded),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// One version of a document.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionInfo {
    pub id: VersionId,
    /// Counted from 1.
    pub ordinal: i32,
    pub state: VersionState,
    /// Whether it is the one that answers.
    pub current: bool,
    pub file_name: String,
    pub mime: String,
    pub bytes: u64,
    /// blake3 of the original, in hexadecimal.
    pub hash: String,
    pub pages: i32,
    /// Passages that can be found; a superseded version has none.
    pub passages: i64,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; absent until it is published.
    pub published_at: Option<String>,
}

/// Which jobs are meant; all of the tenant where nothing is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    pub state: Option<JobState>,
    pub library: Option<LibraryId>,
    pub document: Option<DocumentId>,
}

/// How many jobs are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobCounts {
    pub queued: i64,
    pub running: i64,
    pub done: i64,
    pub failed: i64,
    pub dead: i64,
    pub cancelled: i64,
}

impl JobCounts {
    /// Jobs that are still to end.
    #[must_use]
    pub fn open(&self) -> i64 {
        self.queued + self.running
    }
}
