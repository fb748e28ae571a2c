//! `fuente demo`: everything on embedded defaults, with the sample company in it.

use crate::client::{RunningNote, Server};
use crate::sample::Company;
use crate::{ask, assemble, ingest};
use anyhow::{Context, Result};
use fuente_settings::Settings;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Demo {
    /// Ask this, print the cited answer, and end.
    #[arg(long)]
    ask: Option<String>,
    /// Who asks: an e-mail of the sample company, or the part before the @.
    #[arg(long = "as")]
    user: Option<String>,
    /// Port of the web door.
    #[arg(long)]
    port: Option<u16>,
    /// Folder of the sample company.
    #[arg(long, default_value = "tests/fixtures/company")]
    company: PathBuf,
    /// Where the demo keeps its data.
    #[arg(long, default_value = ".fuente/demo")]
    data: PathBuf,
}

impl Demo {
    pub(crate) async fn run(self, mut settings: Settings) -> Result<ExitCode> {
        settings.data.directory.clone_from(&self.data);
        if let Some(port) = self.port {
            settings.gateway.port = port;
        }
        let company = Company::read(&self.company)?;
        settings.gateway.default_tenant.clone_from(&company.tenant);
        std::fs::create_dir_all(&self.data).with_context(|| format!("{} cannot be made.", self.data.display()))?;
        let password = password(&self.data)?;
        if let Some(question) = &self.ask {
            let server = Server::reach(&settings).await?;
            let asked = self.prepare_and_ask(&server, &company, &password, question).await;
            server.leave().await?;
            return asked;
        }
        if let Some(url) = RunningNote::find(&settings).await {
            welcome(&url, &company, &password);
            return Ok(ExitCode::SUCCESS);
        }
        let running = assemble::start(&settings).await?;
        let scope = company.ensure(&running.store, &running.door, &password).await?;
        company.upload(&scope, &running.store, running.ingest.as_ref()).await?;
        ingest::wait(&scope, &running.store).await?;
        let note = RunningNote::write(&settings, &running.url)?;
        welcome(&running.url, &company, &password);
        say!("Stop with Ctrl-C.");
        let ended = running.until_stopped().await;
        drop(note);
        ended.map(|()| ExitCode::SUCCESS)
    }

    async fn prepare_and_ask(
        &self,
        server: &Server,
        company: &Company,
        password: &str,
        question: &str,
    ) -> Result<ExitCode> {
        if let Some(ingest) = server.ingest() {
            let scope = company.ensure(&server.store, &server.door, password).await?;
            company.upload(&scope, &server.store, ingest).await?;
            ingest::wait(&scope, &server.store).await?;
        }
        let asker = match &self.user {
            Some(user) => user.clone(),
            None => company
                .users
                .iter()
                .find(|person| person.role != "admin")
                .map(|person| person.email.clone())
                .unwrap_or_default(),
        };
        say!("{asker} asks: {question}\n");
        ask::ask(server, &company.tenant, &asker, question, false).await
    }
}

/// One password for all sample users, made at the first start and kept where only its owner reads.
fn password(data: &Path) -> Result<String> {
    let path = data.join("sample-password");
    if let Ok(kept) = std::fs::read_to_string(&path) {
        return Ok(kept.trim().to_owned());
    }
    let bytes: [u8; 9] = rand::random();
    let made = format!("sample-{}", hex::encode(bytes));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("{} cannot be written.", path.display()))?;
    file.write_all(made.as_bytes())?;
    Ok(made)
}

fn welcome(url: &str, company: &Company, password: &str) {
    say!("\nFuente answers at {url}  (API docs at {url}/docs)");
    say!("Company: {} (tenant `{}`). Everybody's password here: {password}", company.name, company.tenant);
    for person in &company.users {
        say!("  {:<34} {} ({})", person.email, person.name, person.role);
    }
    say!("Ask: cargo xtask demo --ask \"¿Cuántos días de vacaciones tengo?\"");
}
