//! The queue when its processes are killed or frozen in the middle of a job, with real processes.

use crate::Case;
use crate::apart::{Processes, addresses};
use crate::faults::section;
use fuente_contract::access::{Effect, Rule, Who};
use fuente_contract::document::{JobInfo, JobState, Stage};
use fuente_contract::ingest::{Accepted, Upload};
use fuente_contract::{Credential, Door, Ingest, LibraryId, Role, Scope};
use fuente_store::{Store, StoreOptions, access, jobs, libraries, tenants, users};
use fuente_tests::app::{eventually, folder, program};
use fuente_tests::{HeldWay, Person};
use fuente_vectors::testing::start_qdrant_grpc;
use fuente_vectors::{HybridQuery, Selector, Sparse, VectorIndex};
use fuente_wire::RemoteIngest;
use reqwest::{Method, StatusCode};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub fn cases() -> Vec<Case> {
    vec![Case::plain("queue::jobs_outlive_their_processes", jobs_outlive_their_processes)]
}

const SECRET: &str = "a service secret of these tests, long enough";
/// Numbers of a vector of the embedding model.
const DIM: usize = 384;

/// Where the ingest processes of this test live, and the settings that they share.
struct Place {
    data: PathBuf,
    variables: Vec<(&'static str, String)>,
    processes: Processes,
}

impl Place {
    /// Starts an ingest process and gives a client for it.
    async fn start(&mut self, name: &'static str, vectors: &str) -> RemoteIngest {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
        let log = std::fs::File::create(self.log_file(name)).expect("a log");
        let errors = log.try_clone().expect("a log");
        let mut command = Command::new(program("fuente-ingest"));
        command.envs(self.variables.clone()).env("FUENTE__INGEST__PORT", port.to_string());
        command.env("FUENTE__VECTORS__URL", vectors);
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        self.processes.0.push((name, command.spawn().expect("the process starts")));
        let url = format!("http://127.0.0.1:{port}");
        let person = Person::anonymous(&url);
        eventually(Duration::from_secs(90), name, || async {
            let reply = person.request(Method::GET, "/readyz").send().await.ok();
            reply.filter(|reply| reply.status() == StatusCode::OK)
        })
        .await;
        RemoteIngest::new(&url, SECRET).expect("a client")
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.data.join(format!("{name}.log"))
    }

    fn signal(&self, name: &str, signal: &str) {
        let (_, child) = self.processes.0.iter().find(|(found, _)| *found == name).expect("a process of this name");
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "{signal} to {name}");
    }
}

fn variables(data: &Path) -> Vec<(&'static str, String)> {
    let (app, migrator) = addresses(&data.join("postgres"));
    vec![
        ("FUENTE__DATA__DIRECTORY", data.display().to_string()),
        ("FUENTE__STORE__MODE", "external".to_owned()),
        ("FUENTE__STORE__URL", app),
        ("FUENTE__STORE__MIGRATOR_URL", migrator),
        ("FUENTE__VECTORS__MODE", "server".to_owned()),
        ("FUENTE__SERVICE__SECRET", SECRET.to_owned()),
        ("FUENTE__INGEST__WORKERS", "1".to_owned()),
    ]
}

fn jobs_outlive_their_processes() {
    let folder = folder();
    let data = folder.path();
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let defaults = fuente_settings::load_from(None, []).expect("the defaults are valid");
        let options = StoreOptions::embedded(data, defaults.cache(), &defaults.store.run_as, 4);
        let opened = fuente_store::open(&options).await.expect("Postgres");
        let qdrant = start_qdrant_grpc(&data.join("qdrant")).await.expect("the vector server");
        let mut place = Place { data: data.to_owned(), variables: variables(data), processes: Processes(Vec::new()) };
        killed_and_frozen(&mut place, &opened.store, qdrant.url()).await;
        drop(place);
        qdrant.stop().await.expect("the vector server stops");
        opened.close().await.expect("Postgres stops");
    });
}

/// One process is frozen in the middle of a document, with passages on their way to the vector
/// server that do not arrive yet; another is killed in the middle of a second document. A third takes
/// both over when their leases have run out. Then the passages of the frozen one arrive after all,
/// and at last it wakes up.
async fn killed_and_frozen(place: &mut Place, store: &Store, qdrant: &str) {
    let (scope, library) = company(store).await;
    let index = fuente_vectors::server(qdrant, None, "fuente", DIM).await.expect("the index");

    let way = HeldWay::to(qdrant).await.expect("a way to the vector server");
    let frozen = place.start("frozen", &way.url).await;
    way.close();
    let one = upload(&frozen, &scope, library, "one", 1).await;
    whole_step_held(&way).await;
    place.signal("frozen", "-STOP");
    let killed = place.start("killed", qdrant).await;
    let two = upload(&killed, &scope, library, "two", 1_000).await;
    embedding(store, &scope, &two).await;
    place.signal("killed", "-KILL");
    for accepted in [&one, &two] {
        let job = seen(store, &scope, accepted).await;
        assert_eq!((job.state, job.stage, job.attempt), (JobState::Running, Stage::Embed, 1), "as it was left");
    }

    place.start("heir", qdrant).await;
    for accepted in [&one, &two] {
        let job = eventually(Duration::from_secs(240), "the end of the job", || async {
            Some(seen(store, &scope, accepted).await).filter(|job| job.state.is_final())
        })
        .await;
        assert_eq!((job.state, job.attempt, job.progress.percent), (JobState::Done, 2, 100), "{job:?}");
        all_found(&*index, store, &scope, accepted, &job).await;
    }

    way.release();
    eventually(Duration::from_secs(20), "the vector server's answer to the late write", || async {
        (way.answered() > 0).then_some(())
    })
    .await;
    all_found(&*index, store, &scope, &one, &seen(store, &scope, &one).await).await;
    place.signal("frozen", "-CONT");
    eventually(Duration::from_secs(60), "the frozen worker to give up", || async {
        let log = std::fs::read_to_string(place.log_file("frozen")).unwrap_or_default();
        log.contains("job given up").then_some(())
    })
    .await;
    let job = seen(store, &scope, &one).await;
    assert_eq!((job.state, job.attempt), (JobState::Done, 2), "{job:?}");
    all_found(&*index, store, &scope, &one, &job).await;
}

/// Waits until the passages of one step, and nothing more, are on their way.
async fn whole_step_held(way: &HeldWay) {
    let (mut last, mut still) = (0, 0);
    eventually(Duration::from_secs(60), "a write to the vector server", || {
        let held = way.held();
        still = if held == last { still + 1 } else { 0 };
        last = held;
        // A step's vectors alone are 32 times 384 numbers.
        std::future::ready((held > 32 * DIM * 4 && still >= 20).then_some(()))
    })
    .await;
}

async fn company(store: &Store) -> (Scope, LibraryId) {
    let system = Door::open().system();
    let tenant = tenants::create(&system, store, "queue", "Queue").await.expect("a tenant");
    let admin = users::NewUser {
        email: "admin@queue.example".into(),
        name: "Admin".into(),
        password: None,
        role: Role::Admin,
        content_read: false,
    };
    let admin = users::bootstrap_admin(&system, store, tenant, admin).await.expect("an administrator");
    let scope = Door::open().admit(tenant, admin.id, Role::Admin, false, Credential::Local);
    let everyone = vec![Rule { effect: Effect::Allow, who: Who::Everyone }];
    let library = libraries::create(&scope, store, "All", "", everyone).await.expect("a library");
    (scope, library.id)
}

async fn upload(ingest: &RemoteIngest, scope: &Scope, library: LibraryId, name: &str, from: u32) -> Accepted {
    let text: String = (from..from + 60).map(section).collect();
    let upload = Upload {
        library,
        external_id: name.to_owned(),
        file_name: format!("{name}.md"),
        title: None,
        rules: None,
        metadata: None,
        priority: fuente_contract::document::Priority::Interactive,
    };
    let bytes = futures_util::stream::iter([Ok(text.into())]);
    ingest.accept(scope, upload, Box::pin(bytes)).await.expect("accepted")
}

async fn seen(store: &Store, scope: &Scope, accepted: &Accepted) -> JobInfo {
    jobs::get(scope, store, accepted.job.expect("a job")).await.expect("the job")
}

async fn embedding(store: &Store, scope: &Scope, accepted: &Accepted) {
    eventually(Duration::from_secs(60), "embedding", || async {
        (seen(store, scope, accepted).await.stage == Stage::Embed).then_some(())
    })
    .await;
}

/// Every passage of the document is there once, and a query finds it.
async fn all_found(index: &dyn VectorIndex, store: &Store, scope: &Scope, accepted: &Accepted, job: &JobInfo) {
    let total = usize::try_from(job.progress.passages_total).expect("a count");
    assert!(total > 32, "more than one step: {total}");
    let kept = index.count(scope.tenant(), &Selector::Document(accepted.document)).await.expect("a count");
    assert_eq!(kept, total as u64);
    let mut dense = vec![0.0; DIM];
    dense[0] = 1.0;
    let query = HybridQuery {
        dense,
        sparse: Sparse::default(),
        filter: access::readable(scope, store).await.expect("a filter").0,
        libraries: None,
        documents: Some(vec![accepted.document]),
        limit: 10_000,
        exact: true,
    };
    assert_eq!(index.legs(scope.tenant(), &query).await.expect("hits").dense.len(), total);
}
