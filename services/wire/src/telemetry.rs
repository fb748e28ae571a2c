//! Logs, set up once per process. They go to standard error: standard output is for answers.

use fuente_contract::{Error, ErrorCode};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging with a filter as of tracing-subscriber, as `text` or as `json`.
///
/// # Errors
/// A filter or format that cannot be read, or logging that was already started.
pub fn init(filter: &str, format: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("telemetry.log cannot be read: {error}"))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        "json" => logs.json().flatten_event(true).with_current_span(true).try_init(),
        "text" => logs.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        other => return Err(format!("telemetry.format is \"{other}\"; it may be \"text\" or \"json\"")),
    };
    started.map_err(|error| error.to_string())
}

/// What went wrong, outermost first, as one sentence for whoever started a program. The cause is told
/// where nothing else says it: there may be no log to find it in.
#[must_use]
pub fn said<'e>(chain: impl Iterator<Item = &'e (dyn std::error::Error + 'static)>) -> String {
    let mut said = String::new();
    for link in chain {
        let text = match link.downcast_ref::<Error>() {
            Some(Error { code: ErrorCode::Internal, cause: Some(cause), .. }) => cause.clone(),
            Some(error) if matches!(error.code, ErrorCode::Unavailable) => error.to_string(),
            Some(error) => error.detail.clone(),
            None => link.to_string(),
        };
        if said.contains(&text) {
            continue;
        }
        if !said.is_empty() {
            said.truncate(said.trim_end_matches('.').len());
            said.push_str(": ");
        }
        said.push_str(&text);
    }
    said
}
