//! The Fuente that is killed: a process of its own on embedded parts, always on the same folder and port.

use crate::app::{eventually, folder, program, settings};
use crate::people::Person;
use fuente::assemble;
use fuente_contract::{Credential, Door, Role};
use fuente_store::{sessions, tenants, users};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest wait for a start and for a job to end.
const LONG: Duration = Duration::from_secs(150);

pub(super) struct House {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
    pub(super) admin: Person,
    pub(super) library: String,
}

impl House {
    /// A tenant with one library that everyone reads, and Fuente started.
    pub(super) async fn open() -> Self {
        let folder = folder();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr()).expect("a free port").port();
        let token = token(folder.path()).await;
        let admin = Person::holding(&format!("http://127.0.0.1:{port}"), &token);
        let mut house = Self { folder, port, child: None, admin, library: String::new() };
        house.start().await;
        let rules = json!([{ "effect": "allow", "who": "everyone" }]);
        let made = house.admin.post("/v1/admin/libraries", json!({ "name": "Drill", "rules": rules })).await.ok();
        house.library = crate::tenant::id(&made);
        house
    }

    /// Starts the process and waits until it answers.
    pub(super) async fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).expect("a log");
        let mut command = Command::new(program("fuente"));
        command.arg("up").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.env("FUENTE__DATA__DIRECTORY", self.folder.path());
        command.env("FUENTE__GATEWAY__PORT", self.port.to_string());
        command.env("FUENTE__INGEST__WORKERS", "2");
        // No answer is written here; the smallest model starts soonest.
        command.env("FUENTE__MODELS__GENERATOR", "smollm2");
        let mut child = command.spawn().expect("the process starts");
        let log = self.log();
        eventually(LONG, "the start of Fuente", || {
            let ended = child.try_wait().expect("its state");
            assert!(ended.is_none(), "it ended: {}", tail(&log));
            let request = self.admin.request(Method::GET, "/readyz");
            async { request.send().await.ok().filter(|reply| reply.status() == StatusCode::OK) }
        })
        .await;
        self.child = Some(child);
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("drill.log")
    }

    /// Kills the process, and where asked the whole of its Postgres, with a signal that nothing can catch.
    pub(super) fn kill(&self, postgres: bool) {
        let mut victims: Vec<u32> = self.child.iter().map(Child::id).collect();
        if postgres {
            let state = std::fs::read_to_string(self.folder.path().join("postgres/cluster/postmaster.pid"));
            let postmaster = state.ok().and_then(|state| state.lines().next().and_then(|pid| pid.parse::<u32>().ok()));
            victims.extend(postmaster);
        }
        for victim in victims {
            // The program and no library: this crate has no use for one otherwise.
            let killed = Command::new("kill").args(["-KILL", &victim.to_string()]).status().expect("kill runs");
            assert!(killed.success(), "process {victim} could not be killed: {}", tail(&self.log()));
        }
    }

    /// Waits for the end of the killed process.
    pub(super) fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().expect("its end");
        }
    }

    /// An eye on the jobs that needs no hold of the house.
    pub(super) fn watcher(&self) -> Watcher {
        Watcher(self.admin.clone())
    }

    /// Stops it as an operator would.
    pub(super) async fn close(mut self) {
        if let Some(mut child) = self.child.take() {
            Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
            eventually(LONG, "the stop of Fuente", || {
                let ended = child.try_wait().expect("its state");
                async move { ended }
            })
            .await;
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            self.kill(true);
            drop(child.wait());
        }
    }
}

/// What needs no API: the tenant, its administrator and a session that outlasts the drill.
async fn token(folder: &Path) -> String {
    let (store, postgres) = assemble::open_store(&settings(folder)).await.expect("the store");
    let door = Door::open();
    let tenant = tenants::create(&door.system(), &store, "drill", "Drill").await.expect("a tenant");
    let admin = users::NewUser {
        email: "admin@drill.example".into(),
        name: "Admin".into(),
        password: None,
        role: Role::Admin,
        content_read: false,
    };
    let admin = users::bootstrap_admin(&door.system(), &store, tenant, admin).await.expect("an administrator");
    let scope = door.admit(tenant, admin.id, admin.role, admin.content_read, Credential::Local);
    let token = sessions::open(&scope, &store, 24, 24).await.expect("a session");
    store.close().await;
    postgres.expect("it is embedded").stop().await.expect("Postgres stops");
    token
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Looks at jobs while the process may be dying.
pub(super) struct Watcher(Person);

impl Watcher {
    async fn open_jobs(&self) -> Option<Vec<Value>> {
        let reply = self.0.request(Method::GET, "/v1/admin/jobs?limit=50").send().await.ok()?;
        let page: Value = reply.json().await.ok()?;
        let open = |job: &&Value| job["state"] == "queued" || job["state"] == "running";
        Some(page["items"].as_array()?.iter().filter(open).cloned().collect())
    }

    /// Returns when a job is at `step` (or, for the two that are none, after `wait`); false where none
    /// came there in time.
    pub(super) async fn reaches(&self, step: &str, wait: Duration) -> bool {
        if step == "upload" || step == "random" {
            tokio::time::sleep(if step == "upload" { wait / 50 } else { wait }).await;
            return true;
        }
        let end = Instant::now() + super::PATIENCE;
        while Instant::now() < end {
            let jobs = self.open_jobs().await.unwrap_or_default();
            if jobs.iter().any(|job| job["state"] == "running" && job["stage"] == step) {
                return true;
            }
        }
        false
    }

    /// When every job that was left open has ended.
    pub(super) async fn settled(&self) -> Instant {
        eventually(LONG, "the end of the jobs that were in hand", || async {
            self.open_jobs().await.filter(Vec::is_empty).map(|_| Instant::now())
        })
        .await
    }
}
