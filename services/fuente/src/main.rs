//! The `fuente` program: the jailed child, or one command.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The jailed child comes first: it must not load settings, threads or a runtime.
    if std::env::args().nth(1).as_deref() == Some("extract-child") {
        return fuente_extract::child::main();
    }
    let cli = fuente::cli::Cli::parse();
    let settings = match fuente_settings::load(cli.config.as_deref()) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    // A server's log is for its operator; a command's standard error is for whoever typed it.
    let filter = if cli.serves() { settings.telemetry.log.as_str() } else { "error" };
    if let Err(error) = fuente_wire::telemetry::init(filter, &settings.telemetry.format) {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    let ended = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(cli.run(settings)));
    ended.unwrap_or_else(|error| {
        eprintln!("{}", fuente_wire::telemetry::said(error.chain()));
        ExitCode::FAILURE
    })
}
