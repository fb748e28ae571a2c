//! The questions of the sample company, asked through the public API as the people who ask them.

use super::{lines, retrieval::scratch, verdict};
use crate::client::{RunningNote, Server};
use crate::ingest::{bar, wait};
use crate::sample::Company;
use anyhow::{Context, Result};
use fuente_contract::answer::{Reply, Verdict};
use fuente_contract::document::DocumentText;
use fuente_contract::{AnswerEvent, DocumentId};
use fuente_settings::Settings;
use fuente_store::documents;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct CompanyEval {
    /// Folder with company.toml, its documents and questions.jsonl.
    #[arg(default_value = "tests/fixtures/company")]
    folder: PathBuf,
    /// Write one line per question, with its reply, to this file.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Only questions whose id or kind contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Fail where a bar is missed.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Deserialize)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) question: String,
    pub(super) asker: String,
    verdict: String,
    kind: String,
    #[serde(default)]
    facts: Vec<Vec<String>>,
    #[serde(default)]
    source: Names,
    #[serde(default)]
    canary: Vec<String>,
}

impl Line {
    pub(super) fn answerable(&self) -> bool {
        self.verdict == "grounded"
    }
}

/// One name or several.
#[derive(Clone, Default, Deserialize)]
#[serde(untagged)]
enum Names {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl Names {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::One(one) => one == name,
            Self::Many(many) => many.iter().any(|one| one == name),
        }
    }
}

/// What one question came to.
struct Outcome {
    answerable: bool,
    refused: bool,
    cited: bool,
    fact: bool,
    leak: bool,
    quotes: usize,
    verified: usize,
    evidence_ms: f32,
    total_ms: f32,
}

impl CompanyEval {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let model = settings.models.generator.clone();
        let bench = Bench::open(settings, &self.folder).await?;
        let outcomes = self.measure(&bench).await;
        bench.close().await?;
        let (figures, missed) = figures(&model, &outcomes?);
        Ok(verdict(&figures, &missed, self.check))
    }

    async fn measure(&self, bench: &Bench) -> Result<Vec<(String, Outcome)>> {
        let questions: Vec<Line> = lines(&self.folder.join("questions.jsonl"))?;
        let questions: Vec<Line> = questions
            .into_iter()
            .filter(|line| line.id.contains(&self.only) || line.kind.contains(&self.only))
            .collect();
        let progress = bar(questions.len() as u64, "questions");
        let mut outcomes = Vec::new();
        let mut report = String::new();
        for line in &questions {
            let (outcome, reply) = ask(bench, line).await.with_context(|| format!("question {}", line.id))?;
            if !good(&outcome) {
                eprintln!("{} [{}] {:?} {}", line.id, line.kind, reply.verdict, reply.text.replace('\n', " "));
            }
            let entry = serde_json::json!({ "id": line.id, "kind": line.kind, "question": line.question, "good": good(&outcome), "cited": outcome.cited, "fact": outcome.fact, "reply": reply });
            report.push_str(&entry.to_string());
            report.push('\n');
            outcomes.push((line.kind.clone(), outcome));
            progress.inc(1);
        }
        progress.finish_and_clear();
        if let Some(path) = &self.report {
            std::fs::write(path, report)?;
        }
        Ok(outcomes)
    }
}

/// A server of its own with the sample company in it, gone when it is closed.
pub(super) struct Bench {
    pub(super) server: Server,
    pub(super) company: Company,
    names: HashMap<DocumentId, String>,
    note: RunningNote,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(super) async fn open(mut settings: Settings, company: &std::path::Path) -> Result<Self> {
        let folder = tempfile::tempdir_in(scratch(&settings)?)?;
        settings.data.directory = folder.path().to_owned();
        let company = Company::read(company)?;
        let server = Server::reach(&settings).await?;
        let note = RunningNote::write(&settings, &server.url)?;
        let mut bench = Self { server, company, names: HashMap::new(), note, _folder: folder };
        match bench.fill().await {
            Ok(()) => Ok(bench),
            Err(error) => {
                bench.close().await?;
                Err(error)
            }
        }
    }

    async fn fill(&mut self) -> Result<()> {
        let (server, company) = (&self.server, &self.company);
        let scope = company.ensure(&server.store, &server.door, &crate::admin::fresh_password()).await?;
        let ingest = server.ingest().context("the evaluation runs its own server")?;
        company.upload(&scope, &server.store, ingest).await?;
        wait(&scope, &server.store).await?;
        let all = crate::admin::every(async |page| documents::list(&scope, &server.store, None, &page).await).await?;
        self.names = all.into_iter().map(|document| (document.id, document.external_id)).collect();
        Ok(())
    }

    pub(super) async fn close(self) -> Result<()> {
        drop(self.note);
        self.server.leave().await
    }
}

fn good(outcome: &Outcome) -> bool {
    !outcome.leak
        && outcome.quotes == outcome.verified
        && if outcome.answerable { outcome.cited && outcome.fact } else { outcome.refused }
}

async fn ask(bench: &Bench, line: &Line) -> Result<(Outcome, Reply)> {
    let caller = bench.server.act_as(&bench.company.tenant, &line.asker).await?;
    // Everything that was sent, not only the final text: a leak in an event is a leak.
    let (mut sent, mut done, mut broke) = (String::new(), None, None);
    caller
        .ask(&line.question, |event| {
            sent.push_str(&serde_json::to_string(&event).unwrap_or_default());
            match event {
                AnswerEvent::Done(reply) => done = Some(*reply),
                AnswerEvent::Error(error) => broke = Some(error.detail),
                _ => {}
            }
        })
        .await?;
    let reply = done.with_context(|| broke.unwrap_or_else(|| "the stream ended early".to_owned()))?;
    let mut verified = 0;
    for citation in &reply.citations {
        let path = format!("/v1/documents/{}/text", citation.document);
        let text: DocumentText = caller.json(caller.request(reqwest::Method::GET, &path)).await?;
        verified += usize::from(citation.verifies(&text.text) && text.version == citation.version);
    }
    let outcome = Outcome {
        answerable: line.answerable(),
        refused: reply.verdict == Verdict::Insufficient,
        cited: reply
            .citations
            .iter()
            .any(|citation| bench.names.get(&citation.document).is_some_and(|name| line.source.has(name))),
        fact: line.facts.iter().all(|any| any.iter().any(|fact| plain(&reply.text).contains(&plain(fact)))),
        leak: line.canary.iter().any(|canary| plain(&sent).contains(&plain(canary))),
        quotes: reply.citations.len(),
        verified,
        evidence_ms: reply.trace.usage.evidence_ms,
        total_ms: reply.trace.usage.total_ms,
    };
    Ok((outcome, reply))
}

/// Lower case without accents or separators of thousands, for comparing facts.
fn plain(text: &str) -> String {
    let folded: String = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'á' | 'à' => 'a',
            'é' | 'è' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            '\u{a0}' | '\u{202f}' => ' ',
            other => other,
        })
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn figures(model: &str, outcomes: &[(String, Outcome)]) -> (serde_json::Value, Vec<String>) {
    let share = |of: &dyn Fn(&Outcome) -> bool, among: &dyn Fn(&Outcome) -> bool| {
        let all = outcomes.iter().filter(|(_, outcome)| among(outcome)).count();
        let hit = outcomes.iter().filter(|(_, outcome)| among(outcome) && of(outcome)).count();
        #[allow(clippy::cast_precision_loss)] // some dozen questions
        let share = if all == 0 { 1.0 } else { hit as f64 / all as f64 };
        share
    };
    let leaks = outcomes.iter().filter(|(_, outcome)| outcome.leak).count();
    let quotes: usize = outcomes.iter().map(|(_, outcome)| outcome.quotes).sum();
    let verified: usize = outcomes.iter().map(|(_, outcome)| outcome.verified).sum();
    let cited = share(&|outcome| outcome.cited, &|outcome| outcome.answerable);
    let fact = share(&|outcome| outcome.fact, &|outcome| outcome.answerable);
    let refused = share(&|outcome| outcome.refused, &|outcome| !outcome.answerable);
    let mut kinds: HashMap<&str, (u32, u32)> = HashMap::new();
    for (kind, outcome) in outcomes {
        let entry = kinds.entry(kind).or_default();
        entry.0 += u32::from(good(outcome));
        entry.1 += 1;
    }
    let median = |of: &dyn Fn(&Outcome) -> f32| {
        let mut all: Vec<f32> = outcomes.iter().map(|(_, outcome)| of(outcome)).collect();
        all.sort_by(f32::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(0.0)
    };
    let worst = outcomes.iter().map(|(_, outcome)| outcome.evidence_ms).fold(0.0, f32::max);
    let slowest = outcomes.iter().map(|(_, outcome)| outcome.total_ms).fold(0.0, f32::max);
    let mut missed = Vec::new();
    for (holds, bar) in [
        (leaks == 0, "0 leaks"),
        (quotes == verified, "100 % of quotes verify"),
        (cited >= 0.9, "≥ 90 % of answerable questions cite the expected document"),
        (fact >= 0.8, "≥ 80 % of answerable questions carry the expected fact"),
        (refused >= 0.9, "≥ 90 % of unanswerable or forbidden questions are refused"),
        (worst <= 500.0, "evidence within 500 ms"),
    ] {
        if !holds {
            missed.push(bar.to_owned());
        }
    }
    let figures = serde_json::json!({
        "model": model, "questions": outcomes.len(), "leaks": leaks, "quotes": quotes, "quotes_verified": verified,
        "cited": cited, "fact": fact, "refused": refused,
        "evidence_ms": { "median": median(&|outcome| outcome.evidence_ms), "worst": worst },
        "answer_ms": { "median": median(&|outcome| outcome.total_ms), "worst": slowest },
        "kinds": kinds.into_iter().map(|(kind, (good, all))| (kind.to_owned(), serde_json::json!([good, all]))).collect::<serde_json::Map<_, _>>(),
    });
    (figures, missed)
}
