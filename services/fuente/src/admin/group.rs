//! `fuente group`.

use super::Session;
use crate::client::user_named;
use anyhow::{Context, Result, anyhow};
use clap::Subcommand;
use fuente_contract::{Error, ErrorCode, GroupId, Scope};
use fuente_settings::Settings;
use fuente_store::groups;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct GroupCommand {
    /// Slug of the tenant; gateway.default_tenant where absent.
    #[arg(long, global = true)]
    tenant: Option<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a group.
    Create { name: String },
    /// List the groups.
    List,
    /// Put a user (an e-mail) or another group (a name) into a group.
    Add { group: String, member: String },
    /// Take a user or a group out of a group.
    Remove { group: String, member: String },
}

impl GroupCommand {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let session = Session::open(&settings).await?;
        let done = self.apply(&session, &settings).await;
        session.close().await?;
        done.map(|()| ExitCode::SUCCESS)
    }

    async fn apply(&self, session: &Session, settings: &Settings) -> Result<()> {
        let scope = session.scope(settings, self.tenant.as_deref()).await?;
        match &self.what {
            What::Create { name } => {
                let group = groups::create(&scope, &session.store, name).await?;
                say!("{}  {}", group.id, group.name);
                Ok(())
            }
            What::List => {
                for group in crate::admin::every(async |page| groups::list(&scope, &session.store, &page).await).await?
                {
                    say!("{}  {}", group.id, group.name);
                }
                Ok(())
            }
            What::Add { group, member } => change(session, &scope, group, member, true).await,
            What::Remove { group, member } => change(session, &scope, group, member, false).await,
        }
    }
}

/// The group of a name.
pub(super) async fn named(session: &Session, scope: &Scope, name: &str) -> Result<GroupId> {
    let known = crate::admin::every(async |page| groups::list(scope, &session.store, &page).await).await?;
    let found = known.into_iter().find(|group| group.name == name);
    found
        .map(|group| group.id)
        .with_context(|| format!("There is no group `{name}`. `fuente group list` shows those there are."))
}

async fn change(session: &Session, scope: &Scope, group: &str, member: &str, add: bool) -> Result<()> {
    let id = named(session, scope, group).await?;
    let store = &session.store;
    let receipt = if member.contains('@') {
        let user = user_named(store, &session.door, scope.tenant(), member).await?.id;
        if add {
            groups::add_user(scope, store, id, user).await?
        } else {
            groups::remove_user(scope, store, id, user).await.map_err(|error| absent(error, group, member))?
        }
    } else {
        let inner = named(session, scope, member).await?;
        if add {
            groups::add_group(scope, store, id, inner).await?
        } else {
            groups::remove_group(scope, store, id, inner).await.map_err(|error| absent(error, group, member))?
        }
    };
    say!("Done; it holds from access epoch {} on.", receipt.epoch);
    Ok(())
}

fn absent(error: Error, group: &str, member: &str) -> anyhow::Error {
    match error.code {
        ErrorCode::NotFound => anyhow!("{member} is not in {group}."),
        _ => error.into(),
    }
}
