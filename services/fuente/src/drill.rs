//! `fuente drill corpus DIR`: every file of a folder through the jail, as a job would read it, with
//! what became of it and what it cost.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use fuente_settings::Settings;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Longer than this is a hang, whatever the settings allow.
const HUNG: Duration = Duration::from_secs(60);
const MOST_MEMORY: u64 = 512 << 20;

#[derive(Subcommand)]
pub(crate) enum DrillCommand {
    /// Read every file of a folder in the jail and print what became of each.
    Corpus(Corpus),
}

#[derive(Args)]
pub(crate) struct Corpus {
    folder: PathBuf,
    /// Fail where a file hung, broke the worker or took more than 512 MiB.
    #[arg(long)]
    check: bool,
}

/// One file's end.
struct Row {
    file: String,
    format: String,
    outcome: &'static str,
    reason: String,
    took: Duration,
    peak: Option<u64>,
}

impl DrillCommand {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        match self {
            Self::Corpus(corpus) => corpus.run(settings).await,
        }
    }
}

impl Corpus {
    async fn run(self, settings: Settings) -> Result<ExitCode> {
        let jail = fuente_ingest::startup::jail(&settings)?;
        let mut files = Vec::new();
        collect(&self.folder, &mut files).with_context(|| format!("{} cannot be read.", self.folder.display()))?;
        files.sort();
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?;
        let bar = ProgressBar::new(files.len() as u64).with_style(style);
        let mut rows = Vec::new();
        for file in &files {
            let shown = file.strip_prefix(&self.folder).unwrap_or(file).display().to_string();
            bar.set_message(shown.clone());
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let started = Instant::now();
            let measured = jail.measure(file, &name).await;
            let took = started.elapsed();
            let (format, outcome, reason) = match measured.outcome {
                Ok(extracted) => (extracted.mime, "read", String::new()),
                Err(error) => {
                    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
                    (extension.to_lowercase(), error.code(), error.to_string())
                }
            };
            rows.push(Row { file: shown, format, outcome, reason, took, peak: measured.peak_bytes });
            bar.inc(1);
        }
        bar.finish_and_clear();
        let sound = print(&rows)?;
        Ok(if sound || !self.check { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Links are not followed: a corpus may hold one that leads back.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Prints the table and its sum as one line of JSON; says whether every file ended as it must.
fn print(rows: &[Row]) -> Result<bool> {
    say!("{:<44} {:<28} {:<13} {:>7} {:>5}  REASON", "FILE", "FORMAT", "OUTCOME", "MS", "MIB");
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *outcomes.entry(row.outcome).or_default() += 1;
        let peak = row.peak.map_or_else(|| "-".to_owned(), |bytes| (bytes >> 20).to_string());
        let (file, format) = (tail(&row.file, 44), tail(&row.format, 28));
        let (ms, reason) = (row.took.as_millis(), &row.reason);
        say!("{file:<44} {format:<28} {:<13} {ms:>7} {peak:>5}  {reason}", row.outcome);
    }
    let hung = rows.iter().filter(|row| row.took > HUNG).count();
    // A child that crashes is held by the jail; a jail that cannot start one has failed the worker.
    let failures = rows.iter().filter(|row| row.outcome == "setup").count();
    let peaks = rows.iter().filter_map(|row| row.peak);
    let peak = peaks.max().unwrap_or(0);
    let over = rows.iter().filter(|row| row.peak.is_some_and(|bytes| bytes > MOST_MEMORY)).count();
    let sum = serde_json::json!({
        "files": rows.len(), "outcomes": outcomes, "hung": hung, "worker_failures": failures,
        "over_memory": over, "peak_mib": peak >> 20,
        "slowest_ms": rows.iter().map(|row| row.took.as_millis()).max().unwrap_or(0) as u64,
    });
    say!("{}", serde_json::to_string(&sum)?);
    Ok(hung == 0 && failures == 0 && over == 0)
}

/// The end of a long name says more than its beginning.
fn tail(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        text.to_owned()
    } else {
        format!("…{}", text.chars().skip(length + 1 - width).collect::<String>())
    }
}
