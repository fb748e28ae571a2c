//! `fuente library`.

use super::{Session, group};
use crate::client::user_named;
use anyhow::{Context, Result};
use clap::Subcommand;
use fuente_contract::Scope;
use fuente_contract::access::{Effect, Rule, Who};
use fuente_settings::Settings;
use fuente_store::libraries;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct LibraryCommand {
    /// Slug of the tenant; gateway.default_tenant where absent.
    #[arg(long, global = true)]
    tenant: Option<String>,
    #[command(subcommand)]
    what: What,
}

// A name of its own: the one of the subcommand `rules` is taken.
#[derive(clap::Args)]
#[group(id = "readers")]
struct Rules {
    /// Who reads: `everyone`, an e-mail, or groups joined by + (a member of all of them). Repeatable.
    #[arg(long)]
    allow: Vec<String>,
    /// Who never reads, whatever else allows it. Repeatable.
    #[arg(long)]
    deny: Vec<String>,
}

#[derive(Subcommand)]
enum What {
    /// Make a library. Without --allow, nobody but each document's owner reads it.
    Create {
        name: String,
        #[arg(long, default_value = "")]
        description: String,
        #[command(flatten)]
        rules: Rules,
    },
    /// Replace the rules of a library; they hold from the next question on.
    Rules {
        name: String,
        #[command(flatten)]
        rules: Rules,
    },
    /// List the libraries.
    List,
}

impl LibraryCommand {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let session = Session::open(&settings).await?;
        let done = self.apply(&session, &settings).await;
        session.close().await?;
        done.map(|()| ExitCode::SUCCESS)
    }

    async fn apply(&self, session: &Session, settings: &Settings) -> Result<()> {
        let scope = session.scope(settings, self.tenant.as_deref()).await?;
        match &self.what {
            What::Create { name, description, rules } => {
                let rules = rules.resolve(session, &scope).await?;
                let library = libraries::create(&scope, &session.store, name, description, rules).await?;
                println!("{}  {}", library.id, library.name);
            }
            What::Rules { name, rules } => {
                let known =
                    crate::admin::every(async |page| libraries::list(&scope, &session.store, &page).await).await?;
                let library = known
                    .iter()
                    .find(|library| library.name == *name)
                    .with_context(|| format!("There is no library `{name}`."))?;
                let rules = rules.resolve(session, &scope).await?;
                let receipt = libraries::set_rules(&scope, &session.store, library.id, rules).await?;
                println!("Done; it holds from access epoch {} on.", receipt.epoch);
            }
            What::List => {
                for library in
                    crate::admin::every(async |page| libraries::list(&scope, &session.store, &page).await).await?
                {
                    println!(
                        "{}  {:<24} {} rule(s)  {}",
                        library.id,
                        library.name,
                        library.rules.len(),
                        library.description
                    );
                }
            }
        }
        Ok(())
    }
}

impl Rules {
    async fn resolve(&self, session: &Session, scope: &Scope) -> Result<Vec<Rule>> {
        let mut rules = Vec::new();
        for (effect, names) in [(Effect::Allow, &self.allow), (Effect::Deny, &self.deny)] {
            for name in names {
                rules.push(Rule { effect, who: who(session, scope, name).await? });
            }
        }
        Ok(rules)
    }
}

async fn who(session: &Session, scope: &Scope, name: &str) -> Result<Who> {
    if name == "everyone" {
        return Ok(Who::Everyone);
    }
    if name.contains('@') {
        return Ok(Who::User(user_named(&session.store, &session.door, scope.tenant(), name).await?.id));
    }
    let mut groups = Vec::new();
    for part in name.split('+') {
        groups.push(group::named(session, scope, part).await?);
    }
    Ok(Who::AllOf(groups))
}
