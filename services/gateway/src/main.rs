//! The gateway as a process of its own: `fuente-gateway [settings.toml]`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let settings = fuente_settings::load(std::env::args().nth(1).map(PathBuf::from).as_deref())?;
    fuente_wire::telemetry::init(&settings.telemetry.log, &settings.telemetry.format).map_err(anyhow::Error::msg)?;
    tokio::runtime::Runtime::new()?.block_on(fuente_gateway::startup::serve(&settings))
}
