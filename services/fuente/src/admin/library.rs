//! `fuente library`.

use super::{Session, group};
use crate::client::user_named;
use anyhow::{Context, Result};
use clap::Subcommand;
use fuente_contract::access::{Effect, Rule, Who};
use fuente_contract::{GroupId, Scope, UserId};
use fuente_settings::Settings;
use fuente_store::{groups, libraries};
use std::collections::HashMap;
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
                say!("{}  {}", library.id, library.name);
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
                say!("Done; it holds from access epoch {} on.", receipt.epoch);
            }
            What::List => {
                let names = Names::of(session, &scope).await?;
                for library in
                    crate::admin::every(async |page| libraries::list(&scope, &session.store, &page).await).await?
                {
                    let rules: Vec<String> = library.rules.iter().map(|rule| names.said(rule)).collect();
                    let rules = if rules.is_empty() { "owners only".to_owned() } else { rules.join("; ") };
                    say!("{}  {:<24} {rules}  {}", library.id, library.name, library.description);
                }
            }
        }
        Ok(())
    }
}

/// What people and groups are called.
struct Names {
    people: HashMap<UserId, String>,
    groups: HashMap<GroupId, String>,
}

impl Names {
    async fn of(session: &Session, scope: &Scope) -> Result<Self> {
        let groups = crate::admin::every(async |page| groups::list(scope, &session.store, &page).await).await?;
        Ok(Self {
            people: crate::admin::emails(session, scope).await?,
            groups: groups.into_iter().map(|group| (group.id, group.name)).collect(),
        })
    }

    /// A rule as `--allow` and `--deny` take it.
    fn said(&self, rule: &Rule) -> String {
        let effect = if rule.effect == Effect::Allow { "allow" } else { "deny" };
        let who = match &rule.who {
            Who::Everyone => "everyone".to_owned(),
            Who::User(user) => self.people.get(user).cloned().unwrap_or_else(|| user.to_string()),
            Who::AllOf(all) => {
                let named = |group: &GroupId| self.groups.get(group).cloned().unwrap_or_else(|| group.to_string());
                all.iter().map(named).collect::<Vec<_>>().join("+")
            }
        };
        format!("{effect} {who}")
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
