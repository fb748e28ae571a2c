//! The gateway as a process of its own: `fuente-gateway [settings.toml]`; and, before the first
//! start of a release, `fuente-gateway migrate [settings.toml]`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", fuente_wire::telemetry::said(error.chain()));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    let migrates = arguments.next_if_eq("migrate").is_some();
    let settings = fuente_settings::load(arguments.next().map(PathBuf::from).as_deref())?;
    fuente_wire::telemetry::init(&settings.telemetry.log, &settings.telemetry.format).map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Runtime::new()?;
    if migrates {
        return runtime.block_on(fuente_gateway::startup::migrate(&settings));
    }
    runtime.block_on(fuente_gateway::startup::serve(&settings))
}
