//! A Fuente in a process of its own whose embedding model changes, and somebody who never stops asking it.

use super::{LONG, MINILM, search};
use fuente::assemble;
use fuente_contract::{Credential, Door, Role, TenantId};
use fuente_store::embedders::{self, SideLease};
use fuente_store::{EmbeddedPostgres, Store, sessions, tenants, users};
use fuente_tests::app::{eventually, folder, program, settings};
use fuente_tests::{Person, Tenant};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// A process of its own, and the test's own eye on its Postgres.
pub(super) struct House {
    child: Option<Child>,
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) tenant: Tenant,
    pub(super) id: TenantId,
    store: Store,
    postgres: Option<EmbeddedPostgres>,
    pub(super) folder: TempDir,
}

impl House {
    pub(super) async fn open() -> Self {
        let folder = folder();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr()).expect("a free port").port();
        let (store, postgres) = assemble::open_store(&settings(folder.path())).await.expect("the store");
        let door = Door::open();
        let id = tenants::create(&door.system(), &store, "change", "Change").await.expect("a tenant");
        let admin = users::NewUser {
            email: "admin@change.example".into(),
            name: "Admin".into(),
            password: None,
            role: Role::Admin,
            content_read: false,
        };
        let admin = users::bootstrap_admin(&door.system(), &store, id, admin).await.expect("an administrator");
        let scope = door.admit(id, admin.id, admin.role, admin.content_read, Credential::Local);
        let token = sessions::open(&scope, &store, 24, 24).await.expect("a session");
        let person = Person::holding(&format!("http://127.0.0.1:{port}"), &token);
        let tenant = Tenant { slug: "change".to_owned(), admin: person, admin_id: admin.id.to_string() };
        let variables = vec![
            ("FUENTE__DATA__DIRECTORY", folder.path().display().to_string()),
            ("FUENTE__GATEWAY__PORT", port.to_string()),
            // No answer is written here; the smallest model starts soonest.
            ("FUENTE__MODELS__GENERATOR", "smollm2".to_owned()),
            // Nothing but the change itself puts anything right.
            ("FUENTE__INGEST__RECONCILE_HOURS", "0".to_owned()),
        ];
        Self { child: None, variables, tenant, id, store, postgres, folder }
    }

    pub(super) async fn start(&mut self, model: &str) {
        let place = self.folder.path().join("up.log");
        let log = File::options().create(true).append(true).open(&place).expect("a log");
        let mut command = Command::new(program("fuente"));
        command.arg("up").envs(self.variables.clone()).env("FUENTE__MODELS__EMBEDDER", model);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("the process starts");
        eventually(LONG, "the start of Fuente", || {
            let ended = child.try_wait().expect("its state");
            assert!(ended.is_none(), "it ended: {}", std::fs::read_to_string(&place).unwrap_or_default());
            let request = self.tenant.admin.request(Method::GET, "/readyz");
            async { request.send().await.ok().filter(|reply| reply.status() == StatusCode::OK) }
        })
        .await;
        self.child = Some(child);
    }

    pub(super) fn stop(&mut self, signal: &str) {
        let mut child = self.child.take().expect("it runs");
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "{signal}");
        child.wait().expect("its end");
    }

    pub(super) async fn state(&self) -> Value {
        self.tenant.admin.get("/v1/admin/embedding").await.ok()
    }

    /// Holds the next index, as a process elsewhere would: until it is given back the change stands still.
    pub(super) async fn hold(&self) -> Held {
        let system = Door::open().system();
        let lease = eventually(LONG, "a hold of the next index", || async {
            let what = (self.id, MINILM, false);
            embedders::take(&system, &self.store, what, "elsewhere/1-0", |_| true).await.expect("a look")
        })
        .await;
        let (store, kept) = (self.store.clone(), lease.clone());
        let beat = tokio::spawn(async move {
            while embedders::hold(&Door::open().system(), &store, &kept).await.expect("a beat") {
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
        });
        Held { lease, beat }
    }

    pub(super) async fn let_go(&self, held: Held) {
        held.beat.abort();
        embedders::give_back(&Door::open().system(), &self.store, &held.lease).await.expect("given back");
    }

    pub(super) async fn changed(&self) {
        eventually(LONG, "the change of the model", || async {
            let state = self.state().await;
            (state["model"] == MINILM && state["changing"] == false).then_some(())
        })
        .await;
    }

    /// The stores agree: no passage is lost, none is doubled.
    pub(super) async fn agrees(&self) {
        let drift = self.tenant.admin.post("/v1/admin/reconcile", json!({ "mend": false })).await.ok();
        let wrong = ["orphan_points", "missing_points", "lost_points", "stale_points"];
        assert!(wrong.iter().all(|name| drift[name] == 0) && drift["points"] == drift["passages"], "{drift}");
    }

    /// After [`House::stop`].
    pub(super) async fn close(mut self) {
        self.store.close().await;
        self.postgres.take().expect("it is embedded").stop().await.expect("Postgres stops");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(super) struct Held {
    lease: SideLease,
    beat: JoinHandle<()>,
}

/// Asks one question again and again, and is not content with any single wrong reply.
pub(super) struct Poll {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<Vec<(Duration, f64)>>,
}

impl Poll {
    /// Every reply has to satisfy `check`, which gives the score by which the model is known.
    pub(super) fn of(person: &Person, query: &'static str, check: impl Fn(&[Value]) -> f64 + Send + 'static) -> Self {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, count, person) = (Arc::clone(&stop), Arc::clone(&asked), person.clone());
        let task = tokio::spawn(async move {
            let mut all = Vec::new();
            while !stopped.load(Ordering::SeqCst) {
                let clock = Instant::now();
                let hits = search(&person, query).await;
                let score = check(&hits);
                all.push((clock.elapsed(), score));
                count.store(all.len(), Ordering::SeqCst);
            }
            all
        });
        Self { stop, asked, task }
    }

    /// Waits for `more` replies from now on.
    pub(super) async fn more(&self, more: usize) {
        let due = self.asked.load(Ordering::SeqCst) + more;
        eventually(LONG, "replies", || {
            let enough = self.task.is_finished() || self.asked.load(Ordering::SeqCst) >= due;
            std::future::ready(enough.then_some(()))
        })
        .await;
    }

    pub(super) async fn end(self) -> Vec<(Duration, f64)> {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.expect("every reply was right")
    }
}
