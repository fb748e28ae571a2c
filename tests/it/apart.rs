//! Gateway, ingest, search and answer as four processes, on one Postgres and one vector server.

use crate::Case;
use fuente_contract::answer::Citation;
use fuente_contract::{Credential, Door, Role, Scope, Search, SearchRequest};
use fuente_store::{StoreOptions, tenants, users};
use fuente_tests::app::{eventually, folder, program};
use fuente_tests::tenant::{Tenant, everyone, sign_in};
use fuente_tests::{Person, events};
use fuente_vectors::testing::start_qdrant_grpc;
use fuente_wire::RemoteSearch;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub fn cases() -> Vec<Case> {
    vec![Case::plain("apart::four_processes_make_one_fuente", four_processes_make_one_fuente)]
}

const SERVICES: [&str; 4] = ["ingest", "search", "answer", "gateway"];
const SECRET: &str = "a service secret of these tests, long enough";
const QUESTION: &str = "In Ireland, for how many weeks of leave is the other parent paid?";

/// Processes that end with the test, however it ends.
pub struct Processes(pub Vec<(&'static str, Child)>);

impl Drop for Processes {
    fn drop(&mut self) {
        for (_, child) in &mut self.0 {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A port that was free a moment ago. All are held until all are known, so that none comes twice.
fn free_ports() -> Vec<u16> {
    let held: Vec<TcpListener> =
        SERVICES.iter().map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    held.iter().map(|listener| listener.local_addr().expect("an address").port()).collect()
}

/// Addresses of the embedded server, as an administrator would write them for an external one.
pub fn addresses(postgres: &Path) -> (String, String) {
    let secrets = std::fs::read(postgres.join("secrets.json")).expect("the server's secrets");
    let secrets: Value = serde_json::from_slice(&secrets).expect("secrets are JSON");
    let state = std::fs::read_to_string(postgres.join("cluster/postmaster.pid")).expect("a running server");
    let port = state.lines().nth(3).expect("the port").trim().to_owned();
    let url = |role: &str, secret: &Value| {
        format!("postgres://{role}:{}@127.0.0.1:{port}/fuente", secret.as_str().expect("a password"))
    };
    (url("fuente_app", &secrets["app"]), url("fuente_migrator", &secrets["migrator"]))
}

/// A database beside it that nobody has prepared: the serving role, and the owner.
fn unprepared(postgres: &Path) -> (String, String) {
    let (app, migrator) = addresses(postgres);
    let kept = std::fs::read(postgres.join("secrets.json")).expect("the server's secrets");
    let kept: Value = serde_json::from_slice(&kept).expect("secrets are JSON");
    let secret = |role: &str| kept[role].as_str().expect("a password").to_owned();
    let owner = migrator.replace("fuente_migrator", "postgres").replace(&secret("migrator"), &secret("superuser"));
    let other = |url: &str| url.strip_suffix("/fuente").map(|server| format!("{server}/postgres")).expect("an address");
    (other(&app), other(&owner))
}

/// The step of a deployment that alone knows the owner; a second time it changes nothing.
fn migrate(app: &str, owner: &str) {
    for time in ["first", "second"] {
        let ended = Command::new(program("fuente-gateway"))
            .arg("migrate")
            .envs([
                ("FUENTE__STORE__MODE", "external"),
                ("FUENTE__STORE__URL", app),
                ("FUENTE__STORE__MIGRATOR_URL", owner),
            ])
            .output()
            .expect("the step runs");
        assert!(ended.status.success(), "{time}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

/// The same settings for all four, as in a deployment.
fn start(data: &Path, ports: &[u16], qdrant: &str) -> Processes {
    let (app, _) = unprepared(&data.join("postgres"));
    let mut variables = vec![
        ("FUENTE__DATA__DIRECTORY".to_owned(), data.display().to_string()),
        ("FUENTE__STORE__MODE".to_owned(), "external".to_owned()),
        ("FUENTE__STORE__URL".to_owned(), app),
        ("FUENTE__VECTORS__MODE".to_owned(), "server".to_owned()),
        ("FUENTE__VECTORS__URL".to_owned(), qdrant.to_owned()),
        ("FUENTE__SERVICE__SECRET".to_owned(), SECRET.to_owned()),
        ("FUENTE__MODELS__GENERATOR".to_owned(), "qwen-0.5b".to_owned()),
    ];
    for (service, port) in SERVICES.iter().zip(ports) {
        let section = service.to_uppercase();
        variables.push((format!("FUENTE__{section}__PORT"), port.to_string()));
        if *service != "gateway" {
            variables.push((format!("FUENTE__{section}__URL"), format!("http://127.0.0.1:{port}")));
        }
    }
    let spawn = |service: &'static str| {
        let mut command = Command::new(program(&format!("fuente-{service}")));
        command.envs(variables.clone());
        let log = std::fs::File::create(data.join(format!("{service}.log"))).expect("a log");
        let errors = log.try_clone().expect("a log");
        (service, command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("the process starts"))
    };
    Processes(SERVICES.map(spawn).into())
}

async fn ready(processes: &mut Processes, data: &Path, ports: &[u16]) {
    for ((service, child), port) in processes.0.iter_mut().zip(ports) {
        let person = Person::anonymous(&format!("http://127.0.0.1:{port}"));
        eventually(Duration::from_secs(90), service, || {
            let log = || std::fs::read_to_string(data.join(format!("{service}.log"))).unwrap_or_default();
            assert!(child.try_wait().expect("its state").is_none(), "{service} ended: {}", log());
            let request = person.request(reqwest::Method::GET, "/readyz");
            async { request.send().await.ok().filter(|reply| reply.status() == StatusCode::OK) }
        })
        .await;
    }
}

fn four_processes_make_one_fuente() {
    let folder = folder();
    let data = folder.path();
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let defaults = fuente_settings::load_from(None, []).expect("the defaults are valid");
        let options = StoreOptions::embedded(data, defaults.cache(), &defaults.store.run_as, 4);
        let server = fuente_store::open(&options).await.expect("Postgres");
        let (app, owner) = unprepared(&data.join("postgres"));
        migrate(&app, &owner);
        let opened = fuente_store::open(&StoreOptions::external(&app, "", 4)).await.expect("the migrated database");
        let qdrant = start_qdrant_grpc(&data.join("qdrant")).await.expect("the vector server");
        let system = Door::open().system();
        let tenant = tenants::create(&system, &opened.store, "apart", "Apart").await.expect("a tenant");
        let admin = users::NewUser {
            email: "admin@apart.example".into(),
            name: "Admin".into(),
            password: Some("a long enough one".into()),
            role: Role::Admin,
            content_read: false,
        };
        let admin = users::bootstrap_admin(&system, &opened.store, tenant, admin).await.expect("an administrator");

        let scope = Door::open().admit(tenant, admin.id, Role::Admin, false, Credential::Local);

        let ports = free_ports();
        let mut processes = start(data, &ports, qdrant.url());
        ready(&mut processes, data, &ports).await;
        let url = format!("http://127.0.0.1:{}", ports[3]);
        let person = sign_in(&url, "apart", "admin@apart.example").await;
        let tenant = Tenant { slug: "apart".to_owned(), admin: person, admin_id: admin.id.to_string() };
        cited_answer(&tenant).await;
        wrong_secrets_open_nothing(&scope, &ports).await;

        drop(processes);
        qdrant.stop().await.expect("the vector server stops");
        opened.close().await.expect("the store closes");
        server.close().await.expect("Postgres stops");
    });
}

async fn cited_answer(tenant: &Tenant) {
    let library = tenant.library("All", everyone()).await;
    let pdf = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/company/documents/parental-leave.pdf");
    let accepted = tenant
        .upload(&library, "parental-leave", "parental-leave.pdf", std::fs::read(&pdf).expect("the sample"))
        .await
        .ok();
    let job = tenant.finished(&accepted).await;
    assert_eq!(job["state"], "done", "{job}");
    let (ann, _) = tenant.user("ann", "member").await;
    // The door has no blob store: the bytes come from the ingest service, for whoever reads the document.
    let original = format!("/v1/documents/{}/original", accepted["document"].as_str().unwrap_or_default());
    let sent = ann.send(ann.request(reqwest::Method::GET, &original)).await;
    assert_eq!((sent.status, sent.headers["content-type"].as_bytes()), (StatusCode::OK, &b"application/pdf"[..]));
    let length = std::fs::metadata(&pdf).expect("the sample").len();
    assert_eq!(sent.headers["content-length"], length.to_string());
    let events = events::post(&ann, "/v1/ask", json!({ "question": QUESTION, "max_tokens": 64 })).await;
    let done = &events.last().filter(|event| event.name == "done").unwrap_or_else(|| panic!("{events:?}")).data;
    let citations = done["citations"].as_array().expect("a list");
    assert!(!citations.is_empty(), "{done}");
    for citation in citations {
        let citation: Citation = serde_json::from_value(citation.clone()).expect("a citation");
        assert_eq!(json!(citation.document), accepted["document"]);
        let text = ann.get(&format!("/v1/documents/{}/text", citation.document)).await.ok();
        assert!(citation.verifies(text["text"].as_str().unwrap_or_default()), "{citation:?}");
    }
}

/// A caller that does not know the secret gets nothing from any service, whomever it claims to be.
async fn wrong_secrets_open_nothing(scope: &Scope, ports: &[u16]) {
    let url = format!("http://127.0.0.1:{}", ports[1]);
    let ask = async |secret: &str| {
        let request = SearchRequest { query: "leave".into(), ..SearchRequest::default() };
        RemoteSearch::new(&url, secret).expect("a client").search(scope, request).await
    };
    let found = ask(SECRET).await.expect("the right secret is heard");
    assert!(!found.hits.is_empty(), "and served");
    let refused = ask("a secret that is long enough, but not the one").await.expect_err("another secret");
    let cause = refused.cause.unwrap_or_default();
    assert!(cause.contains("refused the service credential"), "{cause}");
    for path in ["/internal/search", "/internal/answer", "/internal/ingest/documents"] {
        let port = ports[SERVICES.iter().position(|service| path.contains(service)).expect("a service")];
        let bare = Person::anonymous(&format!("http://127.0.0.1:{port}")).post(path, json!({})).await;
        assert_eq!(bare.status, StatusCode::UNAUTHORIZED, "{path} {}", bare.body);
    }
}
