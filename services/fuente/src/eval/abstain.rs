//! Fits the abstention rule: the signals of a question with its article at hand, against those of
//! the same question with the whole article out of reach (so that nothing answers it).
//!
//! Logistic regression by gradient descent; half of the articles fit, the other half judge.

use super::retrieval::{PassageLine, QuestionLine, fill, names, scratch, tenant};
use super::{lines, verdict};
use crate::assemble::{self, Running};
use crate::ingest::bar;
use anyhow::Result;
use fuente_contract::search::Signals;
use fuente_contract::{DocumentId, SearchRequest};
use fuente_settings::Settings;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Abstain {
    /// Folder with passages.LANG.jsonl (with titles of articles) and questions.LANG.jsonl.
    folder: PathBuf,
    #[arg(long, value_delimiter = ',', default_value = "en,es")]
    languages: Vec<String>,
    /// Use only every Nth question.
    #[arg(long, default_value_t = 3)]
    every: usize,
}

/// One question, once with and once without its article.
struct Case {
    article: String,
    answerable: bool,
    x: [f64; 4],
}

impl Abstain {
    pub(crate) async fn run(self, mut settings: Settings) -> Result<ExitCode> {
        let folder = tempfile::tempdir_in(scratch(&settings)?)?;
        settings.data.directory = folder.path().to_owned();
        settings.gateway.port = 0;
        let running = assemble::start(&settings).await?;
        let cases = self.cases(&running).await;
        running.stop().await?;
        Ok(verdict(&figures(&cases?), &[], false))
    }

    async fn cases(&self, running: &Running) -> Result<Vec<Case>> {
        let scope = tenant(running).await?;
        let mut cases = Vec::new();
        for lang in &self.languages {
            let shelf = fill(running, &scope, &self.folder, lang).await?;
            let ids: HashMap<String, DocumentId> =
                names(running, &scope).await?.into_iter().map(|(id, name)| (name, id)).collect();
            let passages: Vec<PassageLine> = lines(&self.folder.join(format!("passages.{lang}.jsonl")))?;
            let article: HashMap<&str, &str> =
                passages.iter().map(|line| (line.id.as_str(), line.title.as_str())).collect();
            let questions: Vec<QuestionLine> = lines(&self.folder.join(format!("questions.{lang}.jsonl")))?;
            let progress = bar((questions.len() / self.every) as u64, "questions");
            for line in questions.iter().step_by(self.every) {
                let Some(gold) = line.passage_id.as_deref() else { continue };
                let own = article.get(gold).copied().unwrap_or_default();
                let others = passages
                    .iter()
                    .filter(|passage| passage.title != own)
                    .filter_map(|passage| ids.get(&passage.id).copied());
                for (answerable, documents) in [(true, None), (false, Some(others.collect::<Vec<_>>()))] {
                    let request = SearchRequest {
                        query: line.question.clone(),
                        libraries: Some(vec![shelf]),
                        documents,
                        ..SearchRequest::default()
                    };
                    let signals = running.search.search(&scope, request).await?.signals;
                    cases.push(Case { article: own.to_owned(), answerable, x: inputs(&signals) });
                }
                progress.inc(1);
            }
            progress.finish_and_clear();
        }
        Ok(cases)
    }
}

fn inputs(signals: &Signals) -> [f64; 4] {
    [signals.dense, signals.sparse, signals.coverage, signals.margin].map(f64::from)
}

fn figures(cases: &[Case]) -> serde_json::Value {
    let mut articles: Vec<&str> = cases.iter().map(|case| case.article.as_str()).collect();
    articles.sort_unstable();
    articles.dedup();
    let fits = |case: &&Case| articles.binary_search(&case.article.as_str()).is_ok_and(|at| at % 2 == 0);
    let (train, judge): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(fits);
    let weights = fit(&train);
    let auc_of = |score: &dyn Fn(&Case) -> f64| auc(&judge, score);
    serde_json::json!({
        "cases": cases.len(),
        "weights": { "bias": weights[4], "dense": weights[0], "sparse": weights[1], "coverage": weights[2], "margin": weights[3] },
        "auc": {
            "rule": auc_of(&|case| linear(&weights, &case.x)),
            "dense": auc_of(&|case| case.x[0]),
            "sparse": auc_of(&|case| case.x[1]),
            "coverage": auc_of(&|case| case.x[2]),
            "margin": auc_of(&|case| case.x[3]),
        },
        "at_half": {
            "answered_of_answerable": share(&judge, true, &weights),
            "refused_of_unanswerable": 1.0 - share(&judge, false, &weights),
        },
    })
}

fn linear(weights: &[f64; 5], x: &[f64; 4]) -> f64 {
    weights[4] + x.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f64>()
}

/// Gradient descent on standardised inputs; the weights come back in the inputs' own units.
fn fit(cases: &[&Case]) -> [f64; 5] {
    #[allow(clippy::cast_precision_loss)] // some thousand cases
    let count = cases.len().max(1) as f64;
    let mean: [f64; 4] = std::array::from_fn(|at| cases.iter().map(|case| case.x[at]).sum::<f64>() / count);
    let spread: [f64; 4] = std::array::from_fn(|at| {
        (cases.iter().map(|case| (case.x[at] - mean[at]).powi(2)).sum::<f64>() / count).sqrt().max(1e-9)
    });
    let scaled = |case: &Case| -> [f64; 4] { std::array::from_fn(|at| (case.x[at] - mean[at]) / spread[at]) };
    let mut weights = [0.0; 5];
    for _ in 0..4_000 {
        let mut slope = [0.0; 5];
        for case in cases {
            let x = scaled(case);
            let error = 1.0 / (1.0 + (-linear(&weights, &x)).exp()) - f64::from(u8::from(case.answerable));
            for at in 0..4 {
                slope[at] += error * x[at];
            }
            slope[4] += error;
        }
        for at in 0..5 {
            weights[at] -= 0.5 * slope[at] / count;
        }
    }
    let bias = weights[4] - (0..4).map(|at| weights[at] * mean[at] / spread[at]).sum::<f64>();
    let own: [f64; 4] = std::array::from_fn(|at| weights[at] / spread[at]);
    [own[0], own[1], own[2], own[3], bias]
}

/// Chance that an answerable case scores above an unanswerable one.
fn auc(cases: &[&Case], score: &dyn Fn(&Case) -> f64) -> f64 {
    let (yes, no): (Vec<&&Case>, Vec<&&Case>) = cases.iter().partition(|case| case.answerable);
    let mut wins = 0.0;
    for a in &yes {
        for b in &no {
            wins += match score(a).total_cmp(&score(b)) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    #[allow(clippy::cast_precision_loss)] // some hundred thousand pairs
    let pairs = (yes.len() * no.len()).max(1) as f64;
    wins / pairs
}

/// Share of the cases of one kind that the rule would answer.
fn share(cases: &[&Case], answerable: bool, weights: &[f64; 5]) -> f64 {
    let kind: Vec<_> = cases.iter().filter(|case| case.answerable == answerable).collect();
    let answered = kind.iter().filter(|case| linear(weights, &case.x) >= 0.0).count();
    #[allow(clippy::cast_precision_loss)] // some hundred cases
    let share = answered as f64 / kind.len().max(1) as f64;
    share
}
