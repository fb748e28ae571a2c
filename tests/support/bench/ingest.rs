//! Ingestion of a folder through the whole product, beside the bare embedding of the same passages.

use crate::app::settings;
use crate::people::Person;
use crate::tenant::Tenant;
use crate::{TestApp, app};
use fuente_contract::PassageId;
use fuente_models::parts::Parted;
use fuente_models::peer::Peer;
use fuente_models::{Embedder, EmbedderOptions};
use fuente_store::{reconcile, tenants};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Rounds of a run.
const ROUNDS: usize = 4;
/// Questions asked in a row while nothing else runs.
const QUIET: usize = 25;
/// Between two questions while documents are taken in, as from a handful of people.
const PAUSE: Duration = Duration::from_millis(250);

/// Times of searches in milliseconds.
#[derive(Debug, Default)]
pub struct Figures {
    documents: usize,
    passages: usize,
    tokens: usize,
    /// From the first byte sent to the last document published.
    seconds: f64,
    /// For the same passages: fastembed in its default way, and our embedder.
    peer_seconds: f64,
    own_seconds: f64,
    quiet_p50: f64,
    quiet_p95: f64,
    busy_p50: f64,
    busy_p95: f64,
}

impl Figures {
    fn of_peer(&self) -> f64 {
        self.peer_seconds / self.seconds
    }

    fn of_own(&self) -> f64 {
        self.own_seconds / self.seconds
    }

    #[must_use]
    pub fn json(&self) -> Value {
        let passages = self.passages as f64;
        json!({
            "bench": "ingest", "documents": self.documents, "passages": self.passages, "tokens": self.tokens,
            "documents_per_s": self.documents as f64 / self.seconds, "passages_per_s": passages / self.seconds,
            "tokens_per_s": self.tokens as f64 / self.seconds, "peer_passages_per_s": passages / self.peer_seconds,
            "own_embedder_passages_per_s": passages / self.own_seconds, "of_peer": self.of_peer(),
            "of_own_embedder": self.of_own(), "search_p50_ms": self.quiet_p50, "search_p95_ms": self.quiet_p95,
            "search_p50_while_ingesting_ms": self.busy_p50, "search_p95_while_ingesting_ms": self.busy_p95,
        })
    }

    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        if self.of_peer() < 1.15 {
            missed.push(format!("passages per second: {:.2} of the peer's, not 1.15", self.of_peer()));
        }
        if self.of_own() < 0.85 {
            missed.push(format!("passages per second: {:.2} of our own embedder's, not 0.85", self.of_own()));
        }
        if self.busy_p95 > 1.5 * self.quiet_p95 {
            let times = self.busy_p95 / self.quiet_p95;
            missed.push(format!("search p95 is {times:.2} times as long while documents are taken in, not 1.5"));
        }
        missed
    }
}

/// Takes in `most` files of `folder`, in [`ROUNDS`]. Each round in turn takes in some files undisturbed
/// (which gives the rate), embeds the same passages barely, asks questions, and takes in some more files
/// while questions are asked: what else the machine does meanwhile weighs on all of them.
pub fn run(folder: &Path, most: usize, say: impl Fn(&str)) -> Figures {
    let files = chosen(folder, most);
    // As the environment has it, so that other sizes can be tried.
    let set = std::env::vars().filter(|(key, _)| key.starts_with("FUENTE__INGEST__"));
    let wanted = fuente_settings::load_from(None, set).expect("settings of ingestion").ingest;
    let batch_tokens = wanted.batch_tokens;
    let app = TestApp::with(app::folder(), |settings| settings.ingest = wanted);
    let figures = app.run(async {
        let tenant = Tenant::make(&app, "bench").await;
        let library = tenant.library("All", crate::tenant::everyone()).await;
        let mut bare = Bare::load(batch_tokens).await;
        let mut figures = Figures::default();
        let (mut quiet_times, mut busy_times) = (Vec::new(), Vec::new());
        let asked = questions(&files);
        let (alone, beside) = files.split_at(files.len() / 2);
        let rounds = alone.chunks(alone.len().div_ceil(ROUNDS)).zip(beside.chunks(beside.len().div_ceil(ROUNDS)));
        for (number, (alone, beside)) in rounds.enumerate() {
            say(&format!("round {}: {} files undisturbed, {} beside questions", number + 1, alone.len(), beside.len()));
            let (jobs, seconds) = taken_in(&tenant, &library, alone).await;
            figures.documents += jobs.len();
            figures.seconds += seconds;
            bare.run(passages(&app, &bare.own, &jobs).await, &mut figures).await;
            quiet_times.extend(quiet(&tenant.admin, &asked).await);
            let over = Arc::new(AtomicBool::new(false));
            let asking = tokio::spawn(busy(tenant.admin.clone(), asked.clone(), over.clone()));
            taken_in(&tenant, &library, beside).await;
            over.store(true, Ordering::Relaxed);
            busy_times.extend(asking.await.expect("the questions"));
        }
        (figures.quiet_p50, figures.quiet_p95) = (percentile(&mut quiet_times, 50), percentile(&mut quiet_times, 95));
        (figures.busy_p50, figures.busy_p95) = (percentile(&mut busy_times, 50), percentile(&mut busy_times, 95));
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

fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() * percent / 100).copied().unwrap_or_default()
}

/// The texts of the jobs' passages, as the model read them, from the newest ones there are.
async fn passages(app: &TestApp, own: &Embedder, jobs: &[Value]) -> Vec<Parted> {
    let (system, store) = (app.running.door.system(), &app.running.store);
    let wanted: HashSet<&str> = jobs.iter().filter_map(|job| job["document"].as_str()).collect();
    let mut texts = Vec::new();
    for (tenant, _) in tenants::list(&system, store).await.expect("the tenants") {
        let live = reconcile::live_passages(&system, store, tenant, None, None, i64::MAX).await.expect("the passages");
        let live = live.into_iter().filter(|live| wanted.contains(live.document.to_string().as_str()));
        let ids: Vec<PassageId> = live.map(|live| live.id).collect();
        let kept = reconcile::kept(&system, store, tenant, &ids, own.id()).await.expect("their texts");
        texts.extend(kept.iter().map(|kept| fuente_ingest::in_sentences(&kept.title, &kept.row)));
    }
    texts
}

/// The embedders without anything around them.
struct Bare {
    own: Embedder,
    peer: Peer,
    batch_tokens: usize,
}

impl Bare {
    async fn load(batch_tokens: usize) -> Self {
        let defaults = settings(Path::new("."));
        let options = EmbedderOptions::at(&defaults.cache(), &defaults.models.embedder, defaults.models.threads);
        let own = Embedder::open(options.clone()).await.expect("the embedder");
        let peer = Peer::load(&options).expect("the peer");
        Self { own, peer, batch_tokens }
    }

    /// Both on the same passages: ours with its batches, the peer as it comes.
    async fn run(&mut self, parted: Vec<Parted>, figures: &mut Figures) {
        let texts: Vec<String> = parted.iter().map(|parted| parted.text.clone()).collect();
        figures.passages += texts.len();
        figures.tokens += texts.iter().map(|text| self.own.count_tokens(text)).sum::<usize>();
        let clock = Instant::now();
        self.own.embed_passages(parted, self.batch_tokens).await.expect("vectors");
        figures.own_seconds += clock.elapsed().as_secs_f64();
        let peer = tokio::task::block_in_place(|| self.peer.time(&texts)).expect("vectors");
        figures.peer_seconds += peer.as_secs_f64();
    }
}
