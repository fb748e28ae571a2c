//! Two workers on one job: the one that holds it is stopped (SIGSTOP) in the middle, its lease is taken
//! from it (`tests/it/queue.rs` lets one run out by itself), the other does the job; then the first goes
//! on. It must never publish, and must leave nothing behind.

use crate::app::{eventually, folder, program, settings};
use fuente_contract::access::{Effect, Rule, Who};
use fuente_contract::document::{JobInfo, JobState};
use fuente_contract::ingest::{Accepted, Upload};
use fuente_contract::{Credential, Door, Ingest, JobId, LibraryId, Role, Scope, TenantId};
use fuente_store::leases::{self, Lease};
use fuente_store::{Opened, Store, StoreOptions, jobs, libraries, tenants, users};
use fuente_vectors::testing::{TestQdrant, start_qdrant_grpc};
use fuente_vectors::{Selector, VectorIndex};
use fuente_wire::RemoteIngest;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SECRET: &str = "a service secret of these drills, long enough";
/// Also the time after which Postgres ends a transaction that its stopped owner left open.
const LONG: Duration = Duration::from_secs(120);
/// Numbers of a vector of the embedding model.
const DIM: usize = 384;
/// Where the first worker is stopped, in turn.
const STAGES: [&str; 4] = ["extract", "embed", "index", "publish"];

/// What a drill found.
#[derive(Debug, Default)]
pub struct Figures {
    rounds: usize,
    /// Rounds in which the stale worker changed anything after the other had published.
    published_late: usize,
    /// Rounds in which the other did not do the job as its second attempt.
    not_taken_over: usize,
    /// Rounds with another number of points than passages.
    left_over: usize,
    took: Duration,
}

impl Figures {
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "drill": "stale", "rounds": self.rounds, "published_late": self.published_late,
            "not_taken_over": self.not_taken_over, "left_over": self.left_over, "took_s": self.took.as_secs(),
        })
    }

    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let bars = [
            (self.published_late, "stale workers changed what another had published"),
            (self.not_taken_over, "jobs were not taken over"),
            (self.left_over, "jobs left points without passages, or passages without points"),
        ];
        bars.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
    }
}

/// Does it `rounds` times.
pub async fn drill(rounds: usize, say: impl Fn(&str)) -> Figures {
    let clock = Instant::now();
    let house = House::open().await;
    let mut figures = Figures { rounds, ..Figures::default() };
    for round in 0..rounds {
        let stage = STAGES[round % STAGES.len()];
        house.round(round, stage, &mut figures).await;
        say(&format!("round {}/{rounds}: stopped at {stage}", round + 1));
    }
    house.close().await;
    figures.took = clock.elapsed();
    figures
}

struct Worker {
    child: Child,
    door: RemoteIngest,
}

struct House {
    workers: [Worker; 2],
    qdrant: TestQdrant,
    index: Arc<dyn VectorIndex>,
    opened: Opened,
    door: Door,
    scope: Scope,
    tenant: TenantId,
    library: LibraryId,
    _folder: TempDir,
}

impl House {
    async fn open() -> Self {
        let folder = folder();
        let data = folder.path();
        let defaults = settings(data);
        let options = StoreOptions::embedded(data, defaults.cache(), &defaults.store.run_as, 4);
        let opened = fuente_store::open(&options).await.expect("Postgres");
        let qdrant = start_qdrant_grpc(&data.join("qdrant")).await.expect("the vector server");
        let door = Door::open();
        let tenant = tenants::create(&door.system(), &opened.store, "drill", "Drill").await.expect("a tenant");
        let admin = users::NewUser {
            email: "admin@drill.example".into(),
            name: "Admin".into(),
            password: None,
            role: Role::Admin,
            content_read: false,
        };
        let admin =
            users::bootstrap_admin(&door.system(), &opened.store, tenant, admin).await.expect("an administrator");
        let scope = door.admit(tenant, admin.id, Role::Admin, false, Credential::Local);
        let rules = vec![Rule { effect: Effect::Allow, who: Who::Everyone }];
        let library = libraries::create(&scope, &opened.store, "Drill", "", rules).await.expect("a library").id;
        let url = app_url(&data.join("postgres"));
        let workers = [worker(data, &url, qdrant.url()), worker(data, &url, qdrant.url())];
        let index = fuente_vectors::server(qdrant.url(), None, "fuente", DIM).await.expect("the index");
        Self { workers, qdrant, index, opened, door, scope, tenant, library, _folder: folder }
    }

    fn store(&self) -> &Store {
        &self.opened.store
    }

    async fn round(&self, round: usize, stage: &str, figures: &mut Figures) {
        let (accepted, job, lease) = self.caught(round, stage).await;
        let stale = self.holder(&lease);
        // A transaction that the stopped one has open is ended by Postgres after a minute; until then nobody
        // can have the job, which is slow and safe.
        eventually(LONG, "the end of the lease", || async {
            leases::take_back(&self.door.system(), self.store(), &lease).await.ok()
        })
        .await;
        let after = self.ended(job).await;
        figures.not_taken_over += usize::from(after.state != JobState::Done || after.attempt != lease.attempt + 1);

        // Whatever comes next is the stale worker's alone; when that is done, so is the stale job.
        signal("STOP", &self.workers[1 - stale].child);
        signal("CONT", &self.workers[stale].child);
        let next = self.upload(&self.workers[stale], &format!("second-{round}")).await;
        self.ended(next.job.expect("new bytes make a job")).await;
        signal("CONT", &self.workers[1 - stale].child);

        let now = jobs::get(&self.scope, self.store(), job).await.expect("the job");
        let seen = |job: &JobInfo| (job.state, job.attempt, job.progress, job.updated_at.clone());
        figures.published_late += usize::from(seen(&now) != seen(&after));
        let points = self.index.count(self.tenant, &Selector::Document(accepted.document)).await.expect("a count");
        figures.left_over += usize::from(points != u64::try_from(after.progress.passages_total).unwrap_or(0));
    }

    /// A job whose worker is stopped while it holds the lease. Some are too fast to be stopped in time.
    async fn caught(&self, round: usize, stage: &str) -> (Accepted, JobId, Lease) {
        for attempt in 0.. {
            let accepted = self.upload(&self.workers[0], &format!("first-{round}-{attempt}")).await;
            let job = accepted.job.expect("new bytes make a job");
            let Some(lease) = self.at(job, stage).await else { continue };
            let stale = &self.workers[self.holder(&lease)].child;
            signal("STOP", stale);
            if jobs::get(&self.scope, self.store(), job).await.is_ok_and(|job| job.state == JobState::Running) {
                return (accepted, job, lease);
            }
            signal("CONT", stale);
        }
        unreachable!("there is always another attempt")
    }

    async fn upload(&self, worker: &Worker, name: &str) -> Accepted {
        let upload = Upload {
            library: self.library,
            external_id: name.to_owned(),
            file_name: format!("{name}.md"),
            title: None,
            rules: None,
            metadata: None,
            priority: fuente_contract::document::Priority::Interactive,
        };
        let part =
            |number: usize| format!("## Part {number} of {name}\n\n{}\n\n", "The porter keeps the key. ".repeat(60));
        let text: String = (1..=8).map(part).collect();
        eventually(LONG, "the acceptance of a document", || async {
            let bytes = stream::iter([Ok(text.clone().into_bytes().into())]).boxed();
            worker.door.accept(&self.scope, upload.clone(), bytes).await.ok()
        })
        .await
    }

    /// The lease of the job once it is at the stage or further; nothing where it ended before that was seen.
    async fn at(&self, job: JobId, stage: &str) -> Option<Lease> {
        let end = Instant::now() + LONG;
        while Instant::now() < end {
            let info = jobs::get(&self.scope, self.store(), job).await.ok()?;
            if info.state.is_final() {
                return None;
            }
            let place = |stage: &str| STAGES.iter().position(|name| *name == stage).unwrap_or(0);
            if info.state == JobState::Running && place(info.stage.as_str()) >= place(stage) {
                let held = leases::held(&self.door.system(), self.store()).await.ok()?;
                return held.into_iter().find(|lease| lease.job == job);
            }
        }
        panic!("no worker took the job within {LONG:?}")
    }

    fn holder(&self, lease: &Lease) -> usize {
        let has = |worker: &Worker| lease.worker.contains(&format!("/{}-", worker.child.id()));
        self.workers.iter().position(has).unwrap_or_else(|| panic!("{} is none of the two", lease.worker))
    }

    async fn ended(&self, job: JobId) -> JobInfo {
        eventually(LONG, "the end of the job", || async {
            jobs::get(&self.scope, self.store(), job).await.ok().filter(|job| job.state.is_final())
        })
        .await
    }

    async fn close(self) {
        for mut worker in self.workers {
            worker.child.kill().and_then(|()| worker.child.wait()).expect("its end");
        }
        self.qdrant.stop().await.expect("the vector server stops");
        self.opened.close().await.expect("the store closes");
    }
}

/// An ingest service with one worker.
fn worker(data: &Path, store: &str, vectors: &str) -> Worker {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr()).expect("a free port").port();
    let log = std::fs::File::create(data.join(format!("ingest-{port}.log"))).expect("a log");
    let child = Command::new(program("fuente-ingest"))
        .envs([
            ("FUENTE__DATA__DIRECTORY", data.display().to_string()),
            ("FUENTE__STORE__MODE", "external".to_owned()),
            ("FUENTE__STORE__URL", store.to_owned()),
            ("FUENTE__VECTORS__MODE", "server".to_owned()),
            ("FUENTE__VECTORS__URL", vectors.to_owned()),
            ("FUENTE__SERVICE__SECRET", SECRET.to_owned()),
            ("FUENTE__INGEST__PORT", port.to_string()),
            ("FUENTE__INGEST__WORKERS", "1".to_owned()),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the process starts");
    let door = RemoteIngest::new(&format!("http://127.0.0.1:{port}"), SECRET).expect("a client");
    Worker { child, door }
}

/// The serving role's address of the embedded server.
fn app_url(postgres: &Path) -> String {
    let secrets = std::fs::read(postgres.join("secrets.json")).expect("the server's secrets");
    let secrets: Value = serde_json::from_slice(&secrets).expect("secrets are JSON");
    let port = std::fs::read_to_string(postgres.join("port")).expect("the server's port");
    format!("postgres://fuente_app:{}@127.0.0.1:{}/fuente", secrets["app"].as_str().unwrap_or_default(), port.trim())
}

fn signal(name: &str, child: &Child) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success(), "{name} could not be sent");
}
