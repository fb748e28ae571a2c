//! One test binary that mirrors the API. It starts one Fuente on real parts (Postgres, Qdrant's
//! engine, the embedding and a language model) when the first test needs it, asks it over HTTP,
//! and stops it at the end.

mod answers;
mod apart;
mod archives;
mod commands;
mod company;
mod crashes;
mod deploy;
mod documents;
mod embedding;
mod faults;
mod jobs;
mod leaks;
mod metrics;
mod queue;
mod rights;
mod tidy;
mod uploads;

use fuente_tests::TestApp;
use libtest_mimic::{Arguments, Conclusion, Trial};
use std::sync::{Arc, OnceLock};

/// One test.
pub struct Case {
    name: &'static str,
    run: Run,
}

enum Run {
    /// Needs no server.
    Plain(fn()),
    /// Asks the shared server.
    App(fn(&TestApp)),
}

impl Case {
    pub fn plain(name: &'static str, run: fn()) -> Self {
        Self { name, run: Run::Plain(run) }
    }

    pub fn app(name: &'static str, run: fn(&TestApp)) -> Self {
        Self { name, run: Run::App(run) }
    }
}

fn cases() -> Vec<Case> {
    [
        tidy::cases(),
        leaks::cases(),
        rights::cases(),
        documents::cases(),
        embedding::cases(),
        uploads::cases(),
        archives::cases(),
        commands::cases(),
        jobs::cases(),
        answers::cases(),
        apart::cases(),
        faults::cases(),
        metrics::cases(),
        queue::cases(),
        company::cases(),
        crashes::cases(),
        deploy::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn main() {
    let arguments = Arguments::from_args();
    let shared: Arc<OnceLock<TestApp>> = Arc::default();
    let trials = cases()
        .into_iter()
        .map(|case| {
            let shared = shared.clone();
            Trial::test(case.name, move || {
                match case.run {
                    Run::Plain(run) => run(),
                    Run::App(run) => run(shared.get_or_init(TestApp::start)),
                }
                Ok(())
            })
        })
        .collect();
    let conclusion: Conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(app) = Arc::into_inner(shared).and_then(OnceLock::into_inner) {
        app.stop();
    }
    conclusion.exit();
}
