//! Identifiers as types, so that a user id can never be passed where a group id is due.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh time-ordered id (UUIDv7), so that rows made later sort later.
            #[must_use]
            pub fn fresh() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }
    )+};
}

id! {
    /// One company; nothing crosses it.
    TenantId,
    /// A person, or a service principal, of one tenant.
    UserId,
    /// A set of users and of other groups.
    GroupId,
    /// A set of documents with one access policy.
    LibraryId,
    /// What was uploaded under one external id.
    DocumentId,
    /// One upload of a document.
    VersionId,
    /// A chunk of the canonical text of one version.
    PassageId,
    /// The rules that decide who reads.
    PolicyId,
    /// One run of the ingestion pipeline over one version.
    JobId,
    /// A chat of one user.
    ConversationId,
    /// One turn of a conversation.
    MessageId,
    /// An API key (the id, never the secret).
    ApiKeyId,
    /// A browser session (the id, never the token).
    SessionId,
}

/// Namespace of passage ids. Any fixed value serves; it must never change.
const PASSAGES: Uuid = Uuid::from_u128(0x6b1d_f0a4_52c7_4e0b_9f57_0d8a_33c1_e9b2);

impl PassageId {
    /// UUIDv5 of (tenant, document, version, ordinal): indexing the same version twice
    /// writes the same points, so a repeated job changes nothing.
    #[must_use]
    pub fn derive(tenant: TenantId, document: DocumentId, version: VersionId, ordinal: u32) -> Self {
        let mut name = Vec::with_capacity(52);
        name.extend_from_slice(tenant.0.as_bytes());
        name.extend_from_slice(document.0.as_bytes());
        name.extend_from_slice(version.0.as_bytes());
        name.extend_from_slice(&ordinal.to_be_bytes());
        Self(Uuid::new_v5(&PASSAGES, &name))
    }
}
