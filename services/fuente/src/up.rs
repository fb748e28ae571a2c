//! `fuente up`: start, say where, serve.

use crate::{assemble, client};
use anyhow::Result;
use fuente_settings::Settings;
use fuente_store::tenants;
use std::process::ExitCode;

pub(crate) async fn run(settings: Settings) -> Result<ExitCode> {
    let running = assemble::start(&settings).await?;
    let note = client::RunningNote::write(&settings, &running.url)?;
    say!("Fuente answers at {}  (API docs at {}/docs)", running.url, running.url);
    if tenants::list(&running.door.system(), &running.store).await?.is_empty() {
        say!("There is no tenant yet. In another terminal:\n  fuente tenant create SLUG --name \"NAME\" --admin EMAIL");
    }
    let ended = running.until_stopped().await;
    drop(note);
    ended.map(|()| ExitCode::SUCCESS)
}
