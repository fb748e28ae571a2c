//! Administration from the server's own machine: what a first start needs, before anyone can sign in.
//!
//! Whoever can read the data directory may use these; everything else goes through the admin API.

pub(crate) mod group;
pub(crate) mod key;
pub(crate) mod library;
pub(crate) mod tenant;
pub(crate) mod user;

use crate::{assemble, client};
use anyhow::Result;
use fuente_contract::{Credential, Cursor, Door, Page, Role, Scope, TenantId, UserId};
use fuente_settings::Settings;
use fuente_store::{EmbeddedPostgres, Store, users};
use std::collections::HashMap;

/// The operator of the machine, acting as administrator of a tenant. No user has this id, so the
/// operator owns nothing and reads no document.
pub(crate) fn operator(door: &Door, tenant: TenantId) -> Scope {
    door.admit(tenant, UserId(uuid::Uuid::nil()), Role::Admin, false, Credential::Local)
}

/// All pages of a list.
pub(crate) async fn every<T>(list: impl AsyncFn(Cursor) -> fuente_contract::Result<Page<T>>) -> Result<Vec<T>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = list(Cursor { after, limit: Some(200) }).await?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// The store, opened for one command.
pub(crate) struct Session {
    pub(crate) store: Store,
    pub(crate) door: Door,
    postgres: Option<EmbeddedPostgres>,
}

impl Session {
    /// Of an installation that there is: a mistyped folder must not become an empty one.
    pub(crate) async fn open(settings: &Settings) -> Result<Self> {
        client::must_exist(settings)?;
        Self::open_or_make(settings).await
    }

    pub(crate) async fn open_or_make(settings: &Settings) -> Result<Self> {
        let (store, postgres) = assemble::open_store(settings).await?;
        Ok(Self { store, door: Door::open(), postgres })
    }

    /// The operator's scope in the tenant named, or in the default one.
    pub(crate) async fn scope(&self, settings: &Settings, tenant: Option<&str>) -> Result<Scope> {
        let slug = tenant.unwrap_or(&settings.gateway.default_tenant);
        Ok(operator(&self.door, client::tenant_id(&self.store, &self.door, slug).await?))
    }

    pub(crate) async fn close(self) -> Result<()> {
        self.store.close().await;
        if let Some(postgres) = self.postgres {
            postgres.stop().await?;
        }
        Ok(())
    }
}

/// Everybody's e-mail address.
pub(crate) async fn emails(session: &Session, scope: &Scope) -> Result<HashMap<UserId, String>> {
    let users = every(async |page| users::list(scope, &session.store, &page).await).await?;
    Ok(users.into_iter().map(|user| (user.id, user.email)).collect())
}

/// A random password, for accounts made on the command line.
pub(crate) fn fresh_password() -> String {
    let bytes: [u8; 12] = rand::random();
    hex::encode(bytes)
}
