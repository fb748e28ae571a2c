//! `fuente ask`: one question as a user, the cited answer on the terminal.

use crate::client::Server;
use crate::show::Printer;
use anyhow::Result;
use fuente_settings::Settings;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Ask {
    /// The question.
    question: String,
    /// E-mail of the user who asks (or the part before the @).
    #[arg(long = "as")]
    user: String,
    /// Slug of the tenant; gateway.default_tenant where absent.
    #[arg(long)]
    tenant: Option<String>,
    /// Print the whole reply, trace included, as JSON.
    #[arg(long)]
    json: bool,
}

impl Ask {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        crate::client::must_exist(&settings)?;
        let server = Server::reach(&settings).await?;
        let tenant = self.tenant.as_deref().unwrap_or(&settings.gateway.default_tenant);
        let asked = ask(&server, tenant, &self.user, &self.question, self.json).await;
        server.leave().await?;
        asked
    }
}

/// Asks and prints. A refusal is an answer too: status 0.
pub(crate) async fn ask(server: &Server, tenant: &str, user: &str, question: &str, json: bool) -> Result<ExitCode> {
    let caller = server.act_as(tenant, user).await?;
    let mut printer = Printer::new(json);
    caller.ask(question, |event| printer.event(event)).await?;
    printer.finish()
}
