//! A Fuente that is a process of its own, on embedded parts, always on the same folder and port: it can
//! be killed, and measured from outside.

use crate::app::{eventually, folder, program, settings};
use crate::people::Person;
use fuente::assemble;
use fuente_contract::{Credential, Door, Role};
use fuente_store::{sessions, tenants, users};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Longest wait for a start and for a stop.
const LONG: Duration = Duration::from_secs(150);

pub(crate) struct House {
    folder: TempDir,
    port: u16,
    settings: Vec<(&'static str, String)>,
    child: Option<Child>,
    pub(crate) admin: Person,
    pub(crate) library: String,
}

impl House {
    /// A tenant with one library that everyone reads, and Fuente started with `settings` of its own, by
    /// the names that they have as variables.
    pub(crate) async fn open(settings: Vec<(&'static str, String)>) -> Self {
        let folder = folder();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr()).expect("a free port").port();
        let token = token(folder.path()).await;
        let admin = Person::holding(&format!("http://127.0.0.1:{port}"), &token);
        let mut house = Self { folder, port, settings, child: None, admin, library: String::new() };
        house.start().await;
        let rules = json!([{ "effect": "allow", "who": "everyone" }]);
        let made = house.admin.post("/v1/admin/libraries", json!({ "name": "All", "rules": rules })).await.ok();
        house.library = crate::tenant::id(&made);
        house
    }

    /// Starts the process and waits until it answers.
    pub(crate) async fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).expect("a log");
        let mut command = Command::new(program("fuente"));
        command.arg("up").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.env("FUENTE__DATA__DIRECTORY", self.folder.path());
        command.env("FUENTE__GATEWAY__PORT", self.port.to_string());
        command.envs(self.settings.iter().map(|(name, value)| (*name, value.as_str())));
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
        self.folder.path().join("house.log")
    }

    /// Kills the process, and where asked the whole of its Postgres, with a signal that nothing can catch.
    pub(crate) fn kill(&self, postgres: bool) {
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
    pub(crate) fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().expect("its end");
        }
    }

    /// The process, while it runs.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Stops it as an operator would.
    pub(crate) async fn close(mut self) {
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
    let tenant = tenants::create(&door.system(), &store, "house", "House").await.expect("a tenant");
    let admin = users::NewUser {
        email: "admin@house.example".into(),
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
