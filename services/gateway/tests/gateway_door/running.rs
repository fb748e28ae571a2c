//! A gateway on a real Postgres, and calls to it.

use crate::services::Services;
use fuente_contract::{Door, Role};
use fuente_gateway::{Parts, build};
use fuente_store::users::NewUser;
use fuente_store::{EmbeddedPostgres, StoreOptions, tenants, users};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::mpsc;

pub const PASSWORD: &str = "correct horse battery";

pub struct Running {
    pub base: String,
    pub port: u16,
    pub client: Client,
    pub services: Arc<Services>,
    pub dropped: mpsc::UnboundedReceiver<()>,
    /// Tokens of the administrator and of a member.
    pub admin: String,
    pub member: String,
    pub postgres: Option<EmbeddedPostgres>,
    _data: TempDir,
}

/// Status, headers worth a look, and body of a reply.
pub struct Told {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Told {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

pub async fn start() -> Running {
    let mut settings =
        fuente_settings::load_from(None, [("FUENTE__GATEWAY__PORT".to_owned(), "0".to_owned())]).unwrap();
    settings.gateway.max_upload_bytes = 1_000_000;
    settings.gateway.sign_in_attempts = 3;
    let data = tempfile::tempdir().unwrap();
    let options = StoreOptions::embedded(data.path(), settings.cache(), &settings.store.run_as, 8);
    let opened = fuente_store::open(&options).await.unwrap();
    let (door, store) = (Door::open(), opened.store);
    let tenant = tenants::create(&door.system(), &store, "sample", "Sample").await.unwrap();
    let admin = NewUser {
        email: "admin@x.org".into(),
        name: "Admin".into(),
        password: Some(PASSWORD.into()),
        role: Role::Admin,
        content_read: false,
    };
    users::bootstrap_admin(&door.system(), &store, tenant, admin).await.unwrap();
    let (sender, dropped) = mpsc::unbounded_channel();
    let services = Arc::new(Services { uploads: Default::default(), histories: Default::default(), dropped: sender });
    let parts =
        Parts { settings, store, ingest: services.clone(), search: services.clone(), answer: services.clone(), door };
    let (server, port) = build(parts).unwrap();
    actix_web::rt::spawn(server);
    let base = format!("http://127.0.0.1:{port}");
    let client = fuente_wire::client::build(&base).unwrap();
    let mut running = Running {
        base,
        port,
        client,
        services,
        dropped,
        admin: String::new(),
        member: String::new(),
        postgres: opened.postgres,
        _data: data,
    };
    running.admin = running.sign_in("admin@x.org").await;
    let member = json!({"email": "Member@x.org", "name": "Member", "password": PASSWORD});
    assert_eq!(running.send(running.as_admin(Method::POST, "/v1/admin/users").json(&member)).await.status, 201);
    running.member = running.sign_in("member@x.org").await;
    running
}

impl Running {
    pub async fn sign_in(&self, email: &str) -> String {
        let body = json!({"email": email, "password": PASSWORD, "bearer": true});
        let reply = self.send(self.call(Method::POST, "/v1/auth/sign-in").json(&body)).await;
        reply.json()["token"].as_str().unwrap_or_else(|| panic!("{}", reply.text)).to_owned()
    }

    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub fn as_admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.call(method, path).bearer_auth(&self.admin)
    }

    pub fn as_member(&self, method: Method, path: &str) -> RequestBuilder {
        self.call(method, path).bearer_auth(&self.member)
    }

    pub async fn send(&self, request: RequestBuilder) -> Told {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Told { status, headers, text: response.text().await.unwrap() }
    }
}
