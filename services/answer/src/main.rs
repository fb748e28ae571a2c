//! The answer service as a process of its own: `fuente-answer [settings.toml]`.

use anyhow::Result;
use std::path::PathBuf;

#[tokio::main]
async fn main() -> Result<()> {
    let settings = fuente_settings::load(std::env::args().nth(1).map(PathBuf::from).as_deref())?;
    fuente_wire::telemetry::init(&settings.telemetry.log, &settings.telemetry.format).map_err(anyhow::Error::msg)?;
    fuente_answer::startup::serve(&settings).await
}
