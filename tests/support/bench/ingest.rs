//! Ingestion of a folder through the whole product, beside the bare embedding of the same passages.

use crate::app::settings;
use crate::people::Person;
use crate::tenant::Tenant;
use crate::{TestApp, app};
use fuente_models::parts::Parted;
use fuente_models::peer::Peer;
use fuente_models::{Embedder, EmbedderOptions};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Passages that the bare embedders are timed on, each twice in turn.
const BARE: usize = 256;
/// Questions asked in a row while nothing else runs.
const QUIET: usize = 60;
/// Between two questions while documents are taken in, as from a handful of people.
const PAUSE: Duration = Duration::from_millis(250);

/// Rates are per second, times in milliseconds.
#[derive(Debug, Default)]
pub struct Figures {
    documents: usize,
    passages: usize,
    tokens: usize,
    seconds: f64,
    /// fastembed in its default way, and our embedder, passages per second.
    peer: f64,
    own: f64,
    quiet_p95: f64,
    busy_p95: f64,
}

impl Figures {
    fn passages_per_second(&self) -> f64 {
        self.passages as f64 / self.seconds
    }

    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "bench": "ingest", "documents": self.documents, "passages": self.passages, "tokens": self.tokens,
            "documents_per_s": self.documents as f64 / self.seconds, "passages_per_s": self.passages_per_second(),
            "tokens_per_s": self.tokens as f64 / self.seconds, "peer_passages_per_s": self.peer,
            "own_embedder_passages_per_s": self.own, "of_peer": self.passages_per_second() / self.peer,
            "of_own_embedder": self.passages_per_second() / self.own, "search_p95_ms": self.quiet_p95,
            "search_p95_while_ingesting_ms": self.busy_p95,
        })
    }

    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let rate = self.passages_per_second();
        if rate < 1.15 * self.peer {
            missed.push(format!("passages per second: {:.2} of the peer's, not 1.15", rate / self.peer));
        }
        if rate < 0.85 * self.own {
            missed.push(format!("passages per second: {:.2} of our own embedder's, not 0.85", rate / self.own));
        }
        if self.busy_p95 > 1.5 * self.quiet_p95 {
            let times = self.busy_p95 / self.quiet_p95;
            missed.push(format!("search p95 is {times:.2} times as long while documents are taken in, not 1.5"));
        }
        missed
    }
}

/// Takes in `most` files of `folder`: one half undisturbed, which gives the rates, the other while
/// questions are asked.
pub fn run(folder: &Path, most: usize, say: impl Fn(&str)) -> Figures {
    let files = chosen(folder, most);
    let app = TestApp::start();
    let figures = app.run(async {
        let tenant = Tenant::make(&app, "bench").await;
        let library = tenant.library("All", crate::tenant::everyone()).await;
        let (first, second) = files.split_at(files.len() / 2);
        say(&format!("{} files undisturbed", first.len()));
        let (jobs, seconds) = taken_in(&tenant, &library, first).await;
        let counted = |name: &str| jobs.iter().filter_map(|job| job["progress"][name].as_u64()).sum::<u64>() as usize;
        let mut figures =
            Figures { documents: jobs.len(), passages: counted("passages_total"), seconds, ..Figures::default() };
        let asked = questions(first);
        say(&format!("{QUIET} questions, nothing else"));
        figures.quiet_p95 = p95(quiet(&tenant.admin, &asked).await);
        say(&format!("{} files while questions are asked", second.len()));
        let over = Arc::new(AtomicBool::new(false));
        let asking = tokio::spawn(busy(tenant.admin.clone(), asked, over.clone()));
        taken_in(&tenant, &library, second).await;
        over.store(true, Ordering::Relaxed);
        figures.busy_p95 = p95(asking.await.expect("the questions"));
        let texts = texts(&tenant.admin, &jobs).await;
        say(&format!("{} passages with the bare embedders", texts.len().min(BARE)));
        bare(texts, &mut figures).await;
        figures
    });
    app.stop();
    figures
}

/// Every k-th file, so that a few stand for all.
fn chosen(folder: &Path, most: usize) -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(folder, &mut files);
    files.sort();
    assert!(!files.is_empty(), "{} holds no Markdown file", folder.display());
    let step = files.len().div_ceil(most.max(2));
    files.into_iter().step_by(step).collect()
}

/// The finished jobs, and the seconds from the first byte sent to the last document published.
async fn taken_in(tenant: &Tenant, library: &str, files: &[PathBuf]) -> (Vec<Value>, f64) {
    let clock = Instant::now();
    let mut accepted = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let bytes = std::fs::read(file).expect("the file");
        let path = format!("/v1/admin/libraries/{library}/documents/{number}-{}?file_name=page.md", seconds_of(&clock));
        accepted.push(tenant.admin.send(tenant.admin.request(Method::PUT, &path).body(bytes)).await.ok());
    }
    let mut jobs = Vec::new();
    for accepted in accepted.iter().filter(|accepted| accepted["job"].is_string()) {
        let path = format!("/v1/admin/jobs/{}", accepted["job"].as_str().unwrap_or_default());
        let job = app::eventually(Duration::from_secs(3_600), "the end of the job", || async {
            let job = tenant.admin.get(&path).await.ok();
            (!["queued", "running"].contains(&job["state"].as_str().unwrap_or_default())).then_some(job)
        })
        .await;
        jobs.push(job);
    }
    let seconds = clock.elapsed().as_secs_f64();
    jobs.retain(|job| job["state"] == "done");
    (jobs, seconds)
}

/// Sets names of two rounds apart.
fn seconds_of(clock: &Instant) -> u128 {
    clock.elapsed().as_nanos()
}

/// A question for each file: its first words of substance.
fn questions(files: &[PathBuf]) -> Vec<String> {
    let question = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)).collect();
        words.into_iter().skip(10).take(9).collect::<Vec<_>>().join(" ")
    };
    files.iter().map(question).filter(|question| question.len() > 10).collect()
}

async fn ask(person: &Person, question: &str) -> f64 {
    let clock = Instant::now();
    person.post("/v1/search", json!({ "query": question })).await.ok();
    clock.elapsed().as_secs_f64() * 1_000.0
}

async fn quiet(person: &Person, questions: &[String]) -> Vec<f64> {
    let mut times = Vec::new();
    for question in questions.iter().cycle().take(QUIET) {
        times.push(ask(person, question).await);
    }
    times
}

async fn busy(person: Person, questions: Vec<String>, over: Arc<AtomicBool>) -> Vec<f64> {
    let mut times = Vec::new();
    for question in questions.iter().cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        times.push(ask(&person, question).await);
        tokio::time::sleep(PAUSE).await;
    }
    times
}

fn p95(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() * 95 / 100).copied().unwrap_or_default()
}

/// Texts like those of the passages: the documents' own, cut at about the same length.
async fn texts(person: &Person, jobs: &[Value]) -> Vec<String> {
    let mut texts = Vec::new();
    for job in jobs {
        let document = job["document"].as_str().unwrap_or_default();
        let reply = person.get(&format!("/v1/documents/{document}/text")).await.ok();
        let (text, parts) = (reply["text"].as_str().unwrap_or_default(), job["progress"]["passages_total"].as_u64());
        let words: Vec<&str> = text.split_whitespace().collect();
        let parts = usize::try_from(parts.unwrap_or(1)).unwrap_or(1).max(1);
        let title = reply["title"].as_str().unwrap_or_default();
        texts.extend(
            words.chunks(words.len().div_ceil(parts).max(1)).map(|part| format!("{title}\n{}", part.join(" "))),
        );
    }
    texts
}

/// The two bare rates, in turn on the same passages; and the tokens of the documents.
async fn bare(texts: Vec<String>, figures: &mut Figures) {
    let defaults = settings(Path::new("."));
    let options = EmbedderOptions::at(&defaults.cache(), &defaults.models.embedder, defaults.models.threads);
    let own = Embedder::open(options.clone()).await.expect("the embedder");
    figures.tokens = texts.iter().map(|text| own.count_tokens(text)).sum();
    // Every k-th, in the order of the documents: what a folder looks like.
    let step = texts.len().div_ceil(BARE).max(1);
    let sample: Vec<String> = texts.into_iter().step_by(step).take(BARE).collect();
    let mut peer = Peer::load(&options).expect("the peer");
    let (mut own_time, mut peer_time) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..2 {
        let parted = sample.iter().map(|text| Parted { text: text.clone(), parts: Vec::new() }).collect();
        let clock = Instant::now();
        own.embed_passages(parted, defaults.ingest.batch_tokens).await.expect("vectors");
        own_time += clock.elapsed();
        peer_time += tokio::task::block_in_place(|| peer.time(&sample)).expect("vectors");
    }
    let rate = |time: Duration| 2.0 * sample.len() as f64 / time.as_secs_f64();
    (figures.own, figures.peer) = (rate(own_time), rate(peer_time));
}
