//! Who asks. Nothing reads tenant data without a [`Scope`], and a scope is made only at a door.

use crate::ids::{LibraryId, TenantId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a user may do beside reading what policies let them read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Asks and searches.
    Member,
    /// Reads the audit log; changes nothing.
    Auditor,
    /// Runs the tenant: users, groups, libraries, documents, keys. Does not read content by it.
    Admin,
}

impl Role {
    /// The stable name, as stored and as sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// Reads a stored name; an unknown one is the least role, so that a typo never grants.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "admin" => Self::Admin,
            "auditor" => Self::Auditor,
            _ => Self::Member,
        }
    }
}

/// How the caller proved who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Credential {
    /// A browser session.
    Session,
    /// An API key; it may do only what its scopes name, in the libraries it names.
    ApiKey { scopes: Vec<String>, libraries: Option<Vec<LibraryId>> },
    /// The command line on the server's own machine, acting as a named user.
    Local,
    /// A Slack identity that was mapped to the user.
    Slack,
}

/// Permission to make a [`Scope`]. Opened in `startup.rs` of a process that checks
/// credentials (gateway, the command line) or that opens sealed scopes (`wire`); the tidy
/// test fails where `Door::open` is named anywhere else.
#[derive(Clone, Debug)]
pub struct Door(());

impl Door {
    /// Opens the door.
    #[must_use]
    pub fn open() -> Self {
        Self(())
    }

    /// Makes the scope of a caller whose credential was just checked.
    #[must_use]
    pub fn admit(
        &self,
        tenant: TenantId,
        user: UserId,
        role: Role,
        content_read: bool,
        credential: Credential,
    ) -> Scope {
        Scope { tenant, user, role, content_read, credential }
    }

    /// Makes the scope of the system itself: boot, job claims, sign-in look-ups.
    #[must_use]
    pub fn system(&self) -> SystemScope {
        SystemScope(())
    }
}

/// Tenant, user and credential of one call. Fields are read-only outside this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    tenant: TenantId,
    user: UserId,
    role: Role,
    content_read: bool,
    credential: Credential,
}

impl Scope {
    /// The tenant whose rows may be touched.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }
    /// The user who asks.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }
    /// The user's role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }
    /// Whether an administrator was given the right to read documents that have no rules.
    #[must_use]
    pub fn content_read(&self) -> bool {
        self.content_read
    }
    /// How the caller proved who they are.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }
    /// Libraries that the credential is limited to; `None` means no limit.
    #[must_use]
    pub fn libraries(&self) -> Option<&[LibraryId]> {
        match &self.credential {
            Credential::ApiKey { libraries, .. } => libraries.as_deref(),
            _ => None,
        }
    }
    /// Whether the credential carries `scope`. Only API keys are limited by scopes.
    #[must_use]
    pub fn allows(&self, scope: &str) -> bool {
        match &self.credential {
            Credential::ApiKey { scopes, .. } => scopes.iter().any(|held| held == scope),
            _ => true,
        }
    }
}

/// The system acting for no user: it may find tenants and claim jobs, and read no document.
#[derive(Clone, Debug)]
pub struct SystemScope(());
