//! The command line: names, flags and help; no work.

use crate::{admin, ask, demo, doctor, drill, eval, ingest, up};
use anyhow::Result;
use clap::{Parser, Subcommand};
use fuente_settings::Settings;
use std::path::PathBuf;
use std::process::ExitCode;

/// A self-hosted assistant whose every answer is grounded in documents that the asker may read.
#[derive(Parser)]
#[command(name = "fuente", version)]
pub struct Cli {
    /// Settings file (TOML); see services/settings/default.toml for every key.
    #[arg(long, global = true)]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Whether this process is a server.
    #[must_use]
    pub fn serves(&self) -> bool {
        matches!(self.command, Command::Up)
    }

    /// Does the command.
    ///
    /// # Errors
    /// In a sentence that says what to do.
    pub async fn run(self, settings: Settings) -> Result<ExitCode> {
        self.command.run(settings).await
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start everything in this process and serve until stopped.
    Up,
    /// Start with the sample company; with --ask, print one answer and end.
    Demo(demo::Demo),
    /// Ask a question as a user and print the cited answer.
    Ask(ask::Ask),
    /// Add files or folders to a library and wait until they answer.
    Ingest(ingest::IngestFiles),
    /// Say what is missing, and how to get it.
    Doctor(doctor::Doctor),
    /// Try what must not break: hostile files.
    #[command(subcommand)]
    Drill(drill::DrillCommand),
    /// Tenants: create, list.
    #[command(subcommand)]
    Tenant(admin::tenant::TenantCommand),
    /// Users of a tenant: create, list, disable, enable.
    User(admin::user::UserCommand),
    /// Groups of a tenant: create, list, add, remove.
    Group(admin::group::GroupCommand),
    /// Libraries of a tenant: create, list, rules.
    Library(admin::library::LibraryCommand),
    /// API keys of a tenant: create, list, revoke.
    Key(admin::key::KeyCommand),
    /// Measure quality on question sets.
    #[command(subcommand)]
    Eval(eval::EvalCommand),
}

impl Command {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        match self {
            Self::Up => up::run(settings).await,
            Self::Demo(demo) => demo.run(settings).await,
            Self::Ask(ask) => ask.run(settings).await,
            Self::Ingest(ingest) => ingest.run(settings).await,
            Self::Doctor(doctor) => doctor.run(settings).await,
            Self::Drill(command) => command.run(settings).await,
            Self::Tenant(command) => command.run(settings).await,
            Self::User(command) => command.run(settings).await,
            Self::Group(command) => command.run(settings).await,
            Self::Library(command) => command.run(settings).await,
            Self::Key(command) => command.run(settings).await,
            Self::Eval(command) => command.run(settings).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_can_be_called() {
        Cli::command().debug_assert();
    }
}
