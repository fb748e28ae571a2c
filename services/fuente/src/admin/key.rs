//! `fuente key`.

use super::Session;
use crate::client::user_named;
use anyhow::Result;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use fuente_contract::{ApiKeyId, Scope};
use fuente_gateway::routes::KEY_SCOPES;
use fuente_settings::Settings;
use fuente_store::{ApiKeyInfo, NewKey, api_keys};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct KeyCommand {
    /// Slug of the tenant; gateway.default_tenant where absent.
    #[arg(long, global = true)]
    tenant: Option<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a key that acts as a user; prints the secret once.
    Create {
        name: String,
        #[arg(long)]
        user: String,
        /// What the key may do; repeatable.
        #[arg(long = "scope", default_values_t = ["ask".to_owned(), "search".to_owned()], value_parser = PossibleValuesParser::new(KEY_SCOPES.iter().map(|(name, _)| *name)))]
        scopes: Vec<String>,
    },
    /// List the keys, never their secrets.
    List,
    /// Revoke a key; its next call fails.
    Revoke { id: ApiKeyId },
}

impl KeyCommand {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let session = Session::open(&settings).await?;
        let done = self.apply(&session, &settings).await;
        session.close().await?;
        done.map(|()| ExitCode::SUCCESS)
    }

    async fn apply(&self, session: &Session, settings: &Settings) -> Result<()> {
        let scope = session.scope(settings, self.tenant.as_deref()).await?;
        match &self.what {
            What::Create { name, user, scopes } => create(session, &scope, name, user, scopes).await,
            What::List => {
                let people = crate::admin::emails(session, &scope).await?;
                for key in crate::admin::every(async |page| api_keys::list(&scope, &session.store, &page).await).await?
                {
                    say!("{}", line(&key, people.get(&key.user).map_or("", String::as_str)));
                }
                Ok(())
            }
            What::Revoke { id } => {
                api_keys::revoke(&scope, &session.store, *id).await?;
                say!("Revoked.");
                Ok(())
            }
        }
    }
}

fn line(key: &ApiKeyInfo, user: &str) -> String {
    let state = match (&key.expires_at, key.revoked) {
        (_, true) => "revoked".to_owned(),
        (Some(time), false) => format!("expires {time}"),
        (None, false) => "never expires".to_owned(),
    };
    let held = if key.libraries.is_some() { ", some libraries only" } else { "" };
    format!("{}  {:<24} {:<32} {}{held}  {state}", key.id, key.name, user, key.scopes.join(","))
}

async fn create(session: &Session, scope: &Scope, name: &str, user: &str, scopes: &[String]) -> Result<()> {
    let user = user_named(&session.store, &session.door, scope.tenant(), user).await?;
    let new =
        NewKey { name: name.to_owned(), user: user.id, scopes: scopes.to_vec(), libraries: None, expires_at: None };
    let (key, secret) = api_keys::create(scope, &session.store, new).await?;
    say!("{}  {} acts as {}. The secret, shown once:\n{secret}", key.id, key.name, user.email);
    Ok(())
}
