//! What a running Fuente tells Prometheus: the right numbers, and nothing of anybody.

use crate::Case;
use fuente::assemble;
use fuente_contract::{Door, Role};
use fuente_store::{tenants, users};
use fuente_tests::Person;
use fuente_tests::app::{eventually, folder, program, settings};
use fuente_tests::tenant::{everyone, id};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub fn cases() -> Vec<Case> {
    vec![Case::plain("metrics::a_server_counts_what_it_does_and_names_nobody", counts_and_names_nobody)]
}

const LONG: Duration = Duration::from_secs(120);

/// Words that must never come back: each stands where a careless label would take it from.
const CANARIES: [&str; 8] =
    ["kestrelcorp", "hawkperson", "owllibrary", "wrendocument", "finchtitle", "larkquestion", "ravenpath", "crowword"];

/// A process of its own: the numbers of a process are all its own.
struct House(Child);

impl Drop for House {
    fn drop(&mut self) {
        // In order, so that its Postgres stops too.
        drop(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status());
        drop(self.0.wait());
    }
}

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr()).expect("a free port").port()
}

/// What no API makes.
async fn company(data: &Path) -> String {
    let (store, postgres) = assemble::open_store(&settings(data)).await.expect("the store");
    let system = Door::open().system();
    let tenant = tenants::create(&system, &store, CANARIES[0], CANARIES[0]).await.expect("a tenant");
    let admin = users::NewUser {
        email: format!("{}@kestrelcorp.example", CANARIES[1]),
        name: CANARIES[1].into(),
        password: Some("a long enough one".into()),
        role: Role::Admin,
        content_read: true,
    };
    users::bootstrap_admin(&system, &store, tenant, admin).await.expect("an administrator");
    store.close().await;
    postgres.expect("it is embedded").stop().await.expect("Postgres stops");
    tenant.to_string()
}

/// The sum of a metric's series that carry all these labels.
fn sum(told: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let wanted: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let mut found = told.lines().filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (own, rest) = series.split_once('{').unwrap_or((series, ""));
        let fits = own == name && wanted.iter().all(|label| rest.contains(label.as_str()));
        fits.then(|| value.parse::<f64>().expect("a number"))
    });
    let first = found.next().unwrap_or_else(|| panic!("no {name} {labels:?} in\n{told}"));
    first + found.sum::<f64>()
}

fn counts_and_names_nobody() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let data = folder();
        let tenant = company(data.path()).await;
        let (door, metrics) = (port(), port());
        let log = std::fs::File::create(data.path().join("log")).expect("a log");
        let child = Command::new(program("fuente"))
            .arg("up")
            .env("FUENTE__DATA__DIRECTORY", data.path())
            .env("FUENTE__GATEWAY__PORT", door.to_string())
            .env("FUENTE__MODELS__GENERATOR", "qwen-0.5b")
            .env("FUENTE__TELEMETRY__METRICS_LISTEN", format!("127.0.0.1:{metrics}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("fuente starts");
        let _house = House(child);
        let url = format!("http://127.0.0.1:{door}");
        let nobody = Person::anonymous(&url);
        eventually(LONG, "the start", || async {
            let asked = nobody.request(Method::GET, "/readyz").send().await;
            asked.ok().filter(|reply| reply.status() == StatusCode::OK)
        })
        .await;
        let body = json!({ "tenant": CANARIES[0], "email": format!("{}@kestrelcorp.example", CANARIES[1]), "password": "a long enough one", "bearer": true });
        let token = nobody.post("/v1/auth/sign-in", body).await.ok()["token"].as_str().expect("a token").to_owned();
        let admin = Person::holding(&url, &token);
        let teller = Person::anonymous(&format!("http://127.0.0.1:{metrics}"));
        let told = async || {
            let reply = teller.get("/metrics").await;
            assert_eq!(reply.status, StatusCode::OK);
            reply.body
        };

        let made = admin.post("/v1/admin/libraries", json!({ "name": CANARIES[2], "rules": everyone() })).await.ok();
        let library = id(&made);
        let put = async |name: &str, text: String| {
            let path = format!("/v1/admin/libraries/{library}/documents/{name}?file_name={name}.md");
            admin.send(admin.request(Method::PUT, &path).body(text)).await.ok()
        };
        let text = "# Finchtitle\n\nFull-time staff have 23 days of leave in a year. Crowword is never said.\n";
        let accepted = put(CANARIES[3], text.to_owned()).await;
        let job = format!("/v1/admin/jobs/{}", accepted["job"].as_str().expect("a job"));
        eventually(LONG, "the job", || async { (admin.get(&job).await.ok()["state"] == "done").then_some(()) }).await;
        let question = "How many days of leave do full-time staff have (larkquestion)?";
        let answer = admin.post("/v1/ask", json!({ "question": question, "max_tokens": 24 })).await.ok();
        admin.post("/v1/search", json!({ "query": question })).await.ok();
        assert_eq!(admin.get(&format!("/v1/documents/{}", uuid::Uuid::now_v7())).await.status, StatusCode::NOT_FOUND);
        assert_eq!(admin.get("/ravenpath/x").await.status, StatusCode::NOT_FOUND);
        let odd = Method::from_bytes(b"CROWWORD").expect("a method");
        assert!(!admin.send(admin.request(odd, "/v1/me")).await.status.is_success());
        assert_eq!(admin.get("/metrics").await.status, StatusCode::NOT_FOUND, "never on the public door");

        let all = told().await;
        let calls = |method, route, status| {
            sum(&all, "fuente_http_requests_total", &[("method", method), ("route", route), ("status", status)])
        };
        assert_eq!(calls("POST", "/v1/ask", "2xx"), 1.0);
        assert_eq!(calls("PUT", "/v1/admin/libraries/{id}/documents/{external_id}", "2xx"), 1.0);
        assert_eq!(calls("GET", "/v1/documents/{id}", "4xx"), 1.0);
        assert_eq!(calls("GET", "none", "4xx"), 2.0);
        assert_eq!(calls("other", "/v1/me", "4xx"), 1.0);
        assert_eq!(sum(&all, "fuente_http_request_seconds_count", &[("route", "/v1/ask")]), 1.0);
        assert!(sum(&all, "fuente_http_request_seconds_bucket", &[("route", "/v1/ask"), ("le", "+Inf")]) >= 1.0);
        // The question's search, and the one by itself.
        assert_eq!(sum(&all, "fuente_search_seconds_count", &[]), 2.0);
        assert_eq!(sum(&all, "fuente_search_candidates_sum", &[]), 2.0, "one passage, twice");
        let usage = &answer["trace"]["usage"];
        assert_eq!(sum(&all, "fuente_answers_total", &[("end", answer["verdict"].as_str().expect("a verdict"))]), 1.0);
        for (kind, field) in [("prompt", "prompt_tokens"), ("answer", "answer_tokens")] {
            let counted = sum(&all, "fuente_answer_tokens_total", &[("kind", kind)]);
            assert_eq!(Some(counted), usage[field].as_f64(), "{kind}: {answer}");
        }
        let seconds = sum(&all, "fuente_answer_seconds_sum", &[]);
        assert!((seconds - usage["total_ms"].as_f64().unwrap_or_default() / 1_000.0).abs() < 0.01, "{seconds}: {usage}");
        assert_eq!(sum(&all, "fuente_ingest_jobs_total", &[("end", "done")]), 1.0);
        for stage in ["extract", "chunk", "embed", "index", "publish"] {
            assert_eq!(sum(&all, "fuente_ingest_stage_seconds_count", &[("stage", stage)]), 1.0, "{stage}");
        }
        assert_eq!(sum(&all, "fuente_ingest_passages_total", &[("vectors", "made")]), 1.0);
        assert!(sum(&all, "fuente_ingest_tokens_total", &[]) > 10.0);
        for state in ["queued", "running", "dead"] {
            assert_eq!(sum(&all, "fuente_queue_jobs", &[("state", state)]), 0.0, "{state}");
        }

        // A job at work is seen at once, with its age; and one that is refused, by its reason.
        let long: String = (0..5_000).map(|n| format!("## {n}\n\nThe valve {n} opens at {} bar.\n\n", n % 7)).collect();
        let long = put("long", long).await;
        eventually(LONG, "a job at work", || async {
            let told = told().await;
            let running = sum(&told, "fuente_queue_jobs", &[("state", "running")]) == 1.0;
            (running && sum(&told, "fuente_queue_oldest_seconds", &[("state", "running")]) > 0.0).then_some(())
        })
        .await;
        let cancel = format!("/v1/admin/jobs/{}/cancel", long["job"].as_str().expect("a job"));
        admin.post(&cancel, json!({})).await.ok();
        put("empty", String::new()).await;
        eventually(LONG, "the refusal", || async {
            told().await.contains("reason=\"empty\"").then_some(())
        })
        .await;
        let all = told().await;
        assert_eq!(sum(&all, "fuente_ingest_jobs_total", &[("end", "refused"), ("reason", "empty")]), 1.0);

        let lower = all.to_lowercase();
        let ids: [&Value; 4] = [&made["id"], &accepted["document"], &accepted["version"], &accepted["job"]];
        let ids = ids.into_iter().filter_map(Value::as_str).chain([tenant.as_str(), token.as_str()]);
        for word in CANARIES.into_iter().chain(ids).chain(["larkquestion", "full-time", "leave", "@"]) {
            assert!(!lower.contains(&word.to_lowercase()), "{word} in\n{all}");
        }
    });
}
