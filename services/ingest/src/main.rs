//! The ingest service as a process of its own: `fuente-ingest [settings.toml]`.

use anyhow::Result;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> Result<ExitCode> {
    let first = std::env::args().nth(1);
    // The jailed child comes first: it must not load settings, threads or a runtime.
    if first.as_deref() == Some("extract-child") {
        return Ok(fuente_extract::child::main());
    }
    let settings = fuente_settings::load(first.map(PathBuf::from).as_deref())?;
    fuente_wire::telemetry::init(&settings.telemetry.log, &settings.telemetry.format).map_err(anyhow::Error::msg)?;
    tokio::runtime::Runtime::new()?.block_on(fuente_ingest::startup::serve(&settings))?;
    Ok(ExitCode::SUCCESS)
}
