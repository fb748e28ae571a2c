//! Shows how far a long step is: one line that rewrites itself on a terminal, a line for each
//! quarter elsewhere. All of it goes to stderr, so that stdout carries answers only.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const REDRAW: Duration = Duration::from_millis(100);

pub struct Progress {
    label: String,
    total: Option<u64>,
    terminal: bool,
    drawn: Option<Instant>,
    quarter: u64,
}

impl Progress {
    pub fn new(label: &str, total: Option<u64>) -> Progress {
        let terminal = std::io::stderr().is_terminal();
        Progress { label: label.to_owned(), total, terminal, drawn: None, quarter: 0 }
    }

    /// For a step that takes a second or so: shown on a terminal only.
    pub fn brief(label: &str, total: u64) -> Progress {
        let mut progress = Progress::new(label, Some(total));
        progress.quarter = 4;
        progress
    }

    pub fn relabel(&mut self, label: &str) {
        label.clone_into(&mut self.label);
    }

    pub fn show(&mut self, bytes: u64) {
        if self.terminal {
            if self.drawn.is_some_and(|drawn| drawn.elapsed() < REDRAW) {
                return;
            }
            self.drawn = Some(Instant::now());
            eprint!("\r\x1b[K  {}", self.line(bytes));
            // A progress line that cannot be drawn is no reason to stop.
            let _ = std::io::stderr().flush();
            return;
        }
        // A wheel may be a little larger than what is taken out of it, so the end is the end.
        let quarter = self.total.map_or(0, |total| (bytes * 4 / total.max(1)).min(4));
        if quarter > self.quarter {
            self.quarter = quarter;
            eprintln!("  {}", self.line(bytes));
        }
    }

    fn line(&self, bytes: u64) -> String {
        match self.total {
            Some(total) => format!("{}: {} of {}", self.label, megabytes(bytes.min(total)), megabytes(total)),
            None => format!("{}: {}", self.label, megabytes(bytes)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal && self.drawn.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Where the time went, step by step.
#[derive(Default)]
pub struct Times {
    steps: Vec<(String, Duration)>,
}

impl Times {
    pub fn measure<T>(&mut self, step: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.steps.push((step.to_owned(), start.elapsed()));
        result
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("where the time went:")?;
        for (number, (step, time)) in self.steps.iter().enumerate() {
            let seconds = time.as_secs();
            let separator = if number == 0 { "" } else { "," };
            write!(f, "{separator} {step} {}:{:02}", seconds / 60, seconds % 60)?;
        }
        Ok(())
    }
}
