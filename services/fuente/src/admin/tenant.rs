//! `fuente tenant`.

use super::{Session, fresh_password};
use anyhow::{Result, bail};
use clap::Subcommand;
use fuente_contract::Role;
use fuente_settings::Settings;
use fuente_store::{NewUser, tenants, users};
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum TenantCommand {
    /// Make a tenant and its first administrator; prints the administrator's password once.
    Create {
        /// Short name in addresses and sign-in: lower-case letters, digits and dashes.
        slug: String,
        #[arg(long)]
        name: String,
        /// E-mail of the first administrator.
        #[arg(long)]
        admin: String,
    },
    /// List the tenants.
    List,
}

impl TenantCommand {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        // The one command that may come before the first start.
        let session = match &self {
            Self::Create { .. } => Session::open_or_make(&settings).await?,
            Self::List => Session::open(&settings).await?,
        };
        let done = match &self {
            Self::Create { slug, name, admin } => create(&session, slug, name, admin).await,
            Self::List => list(&session).await,
        };
        session.close().await?;
        done.map(|()| ExitCode::SUCCESS)
    }
}

async fn create(session: &Session, slug: &str, name: &str, admin: &str) -> Result<()> {
    let system = session.door.system();
    if tenants::by_slug(&system, &session.store, slug).await?.is_some() {
        bail!("There is a tenant `{slug}` already.");
    }
    let tenant = tenants::create(&system, &session.store, slug, name).await?;
    let password = fresh_password();
    let new = NewUser {
        email: admin.to_owned(),
        name: admin.to_owned(),
        password: Some(password.clone()),
        role: Role::Admin,
        content_read: false,
    };
    users::bootstrap_admin(&system, &session.store, tenant, new).await?;
    say!("Tenant `{slug}` is ready. {admin} signs in with the password {password} (shown once).");
    Ok(())
}

async fn list(session: &Session) -> Result<()> {
    for (id, slug) in tenants::list(&session.door.system(), &session.store).await? {
        say!("{id}  {slug}");
    }
    Ok(())
}
