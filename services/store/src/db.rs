//! The pool, and the only way to a connection: a transaction that says whose it is.

use fuente_contract::{Credential, Error, ErrorCode, Result, Role, Scope, SystemScope, TenantId};
use sqlx::postgres::{PgPool, PgTransaction};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use fuente_contract::UserId;
use fuente_contract::access::ReadFilter;

/// A handle on Postgres. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    /// Read filters by (tenant, user), each valid for the epoch it names.
    pub(crate) filters: Arc<Mutex<HashMap<(TenantId, UserId), ReadFilter>>>,
}

/// Longest statement, in milliseconds: a stuck one would hold one of few connections for ever.
const READER_MS: &str = "15000";
/// Administration may touch every row of a tenant.
const MANAGER_MS: &str = "120000";

/// How far a transaction sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// Only documents that the user reads.
    Reader,
    /// Every document of the tenant: administration and ingestion, never a reply's text.
    Manage,
}

impl Store {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, filters: Arc::default() }
    }

    /// # Errors
    /// `Unavailable` where Postgres does not answer.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map(|_| ()).map_err(fault)
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction as the scope's user.
    pub(crate) async fn begin(&self, scope: &Scope, view: View) -> Result<PgTransaction<'static>> {
        let manages = view == View::Manage;
        let mut tx = self.pool.begin().await.map_err(fault)?;
        let access = if manages { "manage" } else { "" };
        let patience = if manages { MANAGER_MS } else { READER_MS };
        sqlx::query(
            "SELECT set_config('fuente.tenant', $1, true), set_config('fuente.user', $2, true), set_config('fuente.access', $3, true), set_config('fuente.system', '', true),
                    set_config('statement_timeout', $4, true), set_config('idle_in_transaction_session_timeout', '60000', true)",
        )
            .bind(scope.tenant().to_string())
            .bind(scope.user().to_string())
            .bind(access)
            .bind(patience)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        Ok(tx)
    }

    /// A transaction of an administrator over the whole tenant.
    pub(crate) async fn manage(&self, scope: &Scope) -> Result<PgTransaction<'static>> {
        if scope.role() != Role::Admin {
            return Err(Error::new(ErrorCode::Forbidden, "Only administrators may do this."));
        }
        self.begin(scope, View::Manage).await
    }

    /// A transaction of the system: tenants and the claims of jobs, nothing else.
    pub(crate) async fn system(&self, _system: &SystemScope) -> Result<PgTransaction<'static>> {
        let mut tx = self.pool.begin().await.map_err(fault)?;
        sqlx::query("SELECT set_config('fuente.system', 'on', true), set_config('fuente.tenant', '', true), set_config('fuente.user', '', true), set_config('fuente.access', '', true)")
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        Ok(tx)
    }

    /// A transaction of the system inside one tenant (sign-in look-ups, the stages of a job).
    pub(crate) async fn inside(&self, _system: &SystemScope, tenant: TenantId) -> Result<PgTransaction<'static>> {
        let mut tx = self.pool.begin().await.map_err(fault)?;
        sqlx::query("SELECT set_config('fuente.tenant', $1, true), set_config('fuente.user', '', true), set_config('fuente.access', 'manage', true), set_config('fuente.system', '', true)")
            .bind(tenant.to_string())
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        Ok(tx)
    }
}

/// Ends a transaction.
pub(crate) async fn commit(tx: PgTransaction<'static>) -> Result<()> {
    tx.commit().await.map_err(fault)
}

/// Whether the scope is limited to libraries by its key.
pub(crate) fn limited(scope: &Scope) -> Option<Vec<uuid::Uuid>> {
    match scope.credential() {
        Credential::ApiKey { libraries: Some(libraries), .. } => Some(libraries.iter().map(|id| id.0).collect()),
        _ => None,
    }
}

/// A fault of Postgres, as the codes that callers know.
pub(crate) fn fault(error: sqlx::Error) -> Error {
    let away = "The database does not answer. Try again in a moment.";
    match &error {
        sqlx::Error::Database(found) => match found.code().as_deref() {
            Some("23505") => Error::conflict("There is one with this name already.").because(&error),
            Some("23503" | "23001") => {
                Error::conflict("It is still in use, or it names something that does not exist.").because(&error)
            }
            // The last two: a character that no text of Postgres can hold, such as NUL.
            Some("23514" | "22001" | "22P02" | "22021" | "22P05") => {
                Error::invalid("A value is not valid here.").because(&error)
            }
            Some("53100") => Error::new(ErrorCode::InsufficientStorage, "The database's disk is full.").because(&error),
            Some("57P01" | "57P02" | "57P03" | "57014" | "25P03" | "53300" | "40001" | "40P01") => {
                Error::unavailable(away, 2).because(&error)
            }
            _ => Error::internal(&error),
        },
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            Error::unavailable(away, 2).because(&error)
        }
        sqlx::Error::RowNotFound => Error::not_found(),
        _ => Error::internal(&error),
    }
}
