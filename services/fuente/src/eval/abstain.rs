//! Fits the abstention rule of the chosen generator: the sample company's calibration questions are asked
//! as their askers, and what search measured and the judge said is held against whether an answer exists.
//!
//! These questions are not the ones of `eval company`, so that the rule is never tested on what it was
//! fitted to. The output is an entry of `services/answer/calibration.toml`.

use super::company::{Bench, Line};
use super::fit::{self, Case, INPUTS};
use super::verdict;
use crate::ingest::bar;
use anyhow::{Context, Result};
use fuente_contract::AnswerEvent;
use fuente_contract::answer::Trace;
use fuente_settings::Settings;
use std::path::PathBuf;
use std::process::ExitCode;

const NAMES: [&str; INPUTS] = ["spanish", "dense", "sparse", "coverage", "margin", "judge"];

/// The inputs of the two rules, in the order of [`NAMES`]. Coverage, BM25 and margin added nothing to the
/// cosine when cases were left out, and a rule with weights that mean nothing fails on the next company.
const SIGNALS: [bool; INPUTS] = [false, true, false, false, false, false];
const WITH_JUDGE: [bool; INPUTS] = [true, true, false, false, false, true];

#[derive(clap::Args)]
pub(crate) struct Abstain {
    /// Folder with company.toml and its documents.
    #[arg(default_value = "tests/fixtures/company")]
    folder: PathBuf,
    /// Its questions to fit on.
    #[arg(long, default_value = "calibration.jsonl")]
    questions: String,
}

impl Abstain {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let model = settings.models.generator.clone();
        let bench = Bench::open(settings, &self.folder).await?;
        let cases = self.cases(&bench).await;
        bench.close().await?;
        Ok(verdict(&figures(&model, &cases?), &[], false))
    }

    async fn cases(&self, bench: &Bench) -> Result<Vec<Case>> {
        let questions: Vec<Line> = super::lines(&self.folder.join(&self.questions))?;
        let progress = bar(questions.len() as u64, "questions");
        let mut cases = Vec::new();
        for line in &questions {
            let trace = trace(bench, line).await.with_context(|| format!("question {}", line.id))?;
            eprintln!("{} {} {:?} {:?}", line.id, line.answerable(), trace.signals, trace.judged);
            cases.push(Case { holds: line.answerable(), x: inputs(&trace) });
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(cases)
    }
}

/// One token is enough: the judge speaks before the answer.
async fn trace(bench: &Bench, line: &Line) -> Result<Trace> {
    let caller = bench.server.act_as(&bench.company.tenant, &line.asker).await?;
    let (mut done, mut broke) = (None, None);
    caller
        .ask_at_most(&line.question, Some(1), |event| match event {
            AnswerEvent::Done(reply) => done = Some(reply.trace),
            AnswerEvent::Error(error) => broke = Some(error.detail),
            _ => {}
        })
        .await?;
    done.with_context(|| broke.unwrap_or_else(|| "the stream ended early".to_owned()))
}

fn inputs(trace: &Trace) -> [f64; INPUTS] {
    let signals = trace.signals;
    let spanish = f32::from(u8::from(trace.lang == "es"));
    let judged = trace.judged.unwrap_or(0.0);
    [spanish, signals.dense, signals.sparse, signals.coverage, signals.margin, judged].map(f64::from)
}

fn figures(model: &str, cases: &[Case]) -> serde_json::Value {
    let rule = |used: [bool; INPUTS]| {
        let weights = fit::fit(cases, used);
        let judged = fit::left_out(cases, used);
        let mut of: serde_json::Map<_, _> =
            NAMES.iter().zip(weights.of).map(|(name, weight)| ((*name).to_owned(), weight.into())).collect();
        of.insert("bias".to_owned(), weights.bias.into());
        serde_json::json!({
            "weights": of,
            "left_out": {
                "auc": fit::auc(&judged),
                "answered_of_answerable": fit::right(&judged, true),
                "refused_of_others": fit::right(&judged, false),
            },
        })
    };
    let alone = |at: usize| fit::auc(&cases.iter().map(|case| (case.holds, case.x[at])).collect::<Vec<_>>());
    let alone: serde_json::Map<_, _> =
        NAMES.iter().enumerate().map(|(at, name)| ((*name).to_owned(), alone(at).into())).collect();
    serde_json::json!({
        "model": model,
        "cases": cases.len(),
        "signals": rule(SIGNALS),
        "with_judge": rule(WITH_JUDGE),
        "auc_alone": alone,
    })
}
