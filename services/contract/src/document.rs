//! Documents, versions and jobs as callers see them.

use crate::access::Rule;
use crate::ids::{DocumentId, JobId, LibraryId, PolicyId, UserId, VersionId};
use crate::manage::Metadata;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A library as administrators see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LibraryInfo {
    pub id: LibraryId,
    pub name: String,
    pub description: String,
    pub policy: PolicyId,
    pub rules: Vec<Rule>,
}

/// A document as its readers see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentInfo {
    pub id: DocumentId,
    pub library: LibraryId,
    pub external_id: String,
    pub title: String,
    pub mime: String,
    pub owner: UserId,
    /// The version that answers; absent until the first one is published.
    pub current: Option<VersionId>,
    /// Whether the document has a policy of its own instead of its library's.
    pub own_policy: bool,
    /// What its uploader says of it.
    #[serde(default)]
    pub metadata: Metadata,
    /// RFC 3339.
    pub updated_at: String,
}

/// Where a page (or slide, or sheet) starts in the canonical text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PageStart {
    /// Counted from 1.
    pub page: u32,
    /// Offset in characters (Unicode scalar values).
    pub char_start: u32,
    /// Name of the slide or sheet, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
}

/// The canonical text of one version, as every citation points into it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentText {
    pub document: DocumentId,
    pub version: VersionId,
    pub title: String,
    /// The whole text, or the characters `from` to `to` of it.
    pub text: String,
    /// Offset of the first character of `text` in the whole text.
    #[serde(default)]
    pub from: u32,
    /// Offset after the last one.
    #[serde(default)]
    pub to: u32,
    /// Characters of the whole text.
    #[serde(default)]
    pub chars: u32,
    pub pages: Vec<PageStart>,
}

/// The stages of a job, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Extract,
    Chunk,
    Embed,
    Index,
    Publish,
}

impl Stage {
    /// The stable name, as stored and as sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Chunk => "chunk",
            Self::Embed => "embed",
            Self::Index => "index",
            Self::Publish => "publish",
        }
    }

    /// Reads a stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Extract, Self::Chunk, Self::Embed, Self::Index, Self::Publish]
            .into_iter()
            .find(|stage| stage.as_str() == name)
    }
}

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker (a first time, or for its next attempt).
    Queued,
    Running,
    Done,
    /// Refused for good, with a reason: the file itself is at fault.
    Failed,
    /// Gave up after the last attempt; can be tried again by hand.
    Dead,
    Cancelled,
}

impl JobState {
    /// The stable name, as stored and as sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads a stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Dead, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == name)
    }

    /// Whether nothing more will happen by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// How soon a job is begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Somebody waits for it.
    #[default]
    Interactive,
    /// One of many: after what somebody waits for, yet never left out.
    Bulk,
}

impl Priority {
    /// The stable name, as stored and as sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Bulk => "bulk",
        }
    }

    /// Reads a stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Interactive, Self::Bulk].into_iter().find(|priority| priority.as_str() == name)
    }
}

/// A job as administrators see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobInfo {
    pub id: JobId,
    pub document: DocumentId,
    pub version: VersionId,
    pub title: String,
    pub state: JobState,
    pub stage: Stage,
    #[serde(default)]
    pub priority: Priority,
    pub attempt: i32,
    pub progress: Progress,
    /// Stable reason, such as `encrypted`, `needs_ocr`, `too_large`.
    pub error: Option<String>,
    /// What the administrator can do about it.
    pub advice: Option<String>,
    /// RFC 3339.
    pub updated_at: String,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    pub pages: i32,
    pub passages_done: i32,
    pub passages_total: i32,
    /// Of those done, the ones that had not changed since the version before, or since the attempt
    /// before: their vectors were taken over.
    #[serde(default)]
    pub passages_reused: i32,
    /// 0 to 100.
    pub percent: i32,
}

/// What a delete removed, per store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeleteReceipt {
    pub versions: u64,
    pub passages: u64,
    pub vectors: u64,
    pub blobs: u64,
    /// Vectors and files could not be removed at once. Nothing answers from them any more; their
    /// removal goes on by itself, and they are not in the counts.
    #[serde(default)]
    pub pending: bool,
    /// Quotes in stored answers whose text was erased.
    pub citations: u64,
    /// From this access epoch on, no query can use the document.
    pub epoch: i64,
}
