//! The search service as a process of its own: `fuente-search [settings.toml]`.

use anyhow::Result;
use std::path::PathBuf;

#[tokio::main]
async fn main() -> Result<()> {
    let settings = fuente_settings::load(std::env::args().nth(1).map(PathBuf::from).as_deref())?;
    fuente_wire::telemetry::init(&settings.telemetry.log, &settings.telemetry.format).map_err(anyhow::Error::msg)?;
    fuente_search::startup::serve(&settings).await
}
