//! `fuente eval`: quality, measured through the real pipeline. Each command shows progress, ends
//! with one line of JSON, and with --check fails where a bar is missed.

pub(crate) mod abstain;
pub(crate) mod company;
mod fit;
pub(crate) mod retrieval;

use anyhow::Result;
use clap::Subcommand;
use fuente_settings::Settings;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum EvalCommand {
    /// recall@k on passages.LANG.jsonl and questions.LANG.jsonl, within and across languages.
    Retrieval(retrieval::Retrieval),
    /// Fits the rule by which questions are refused, and says how often it errs.
    Abstain(abstain::Abstain),
    /// The questions of the sample company: leaks, citations, facts, refusals.
    Company(company::CompanyEval),
}

impl EvalCommand {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        match self {
            Self::Retrieval(retrieval) => retrieval.run(settings).await,
            Self::Abstain(abstain) => abstain.run(settings).await,
            Self::Company(company) => company.run(settings).await,
        }
    }
}

/// Lines of a JSONL file.
pub(crate) fn lines<T: serde::de::DeserializeOwned>(path: &std::path::Path) -> Result<Vec<T>> {
    use anyhow::Context;
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read.", path.display()))?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .enumerate()
        .map(|(at, line)| serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), at + 1)))
        .collect()
}

/// Prints the figures as one line of JSON and says whether every bar held.
pub(crate) fn verdict(figures: &serde_json::Value, missed: &[String], check: bool) -> ExitCode {
    for bar in missed {
        eprintln!("bar missed: {bar}");
    }
    say!("{figures}");
    if check && !missed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
