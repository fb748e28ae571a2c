//! The command line as a client of the gateway: the same API that everyone else uses.

use crate::assemble::{self, Running};
use anyhow::{Context, Result, bail, ensure};
use fuente_contract::{AnswerEvent, Credential, Door, TenantId};
use fuente_settings::{Settings, StoreMode};
use fuente_store::{EmbeddedPostgres, Store, UserInfo, sessions, tenants, users};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// A small file that says where this data directory is being served.
#[derive(Serialize, Deserialize)]
pub(crate) struct RunningNote {
    pub(crate) url: String,
    pid: u32,
    #[serde(skip)]
    path: PathBuf,
}

impl RunningNote {
    fn place(settings: &Settings) -> PathBuf {
        settings.data.directory.join("running.json")
    }

    /// Writes the note; dropping it takes it away.
    pub(crate) fn write(settings: &Settings, url: &str) -> Result<Self> {
        let path = Self::place(settings);
        let note = Self { url: url.to_owned(), pid: std::process::id(), path: path.clone() };
        std::fs::write(&path, serde_json::to_vec(&note)?)
            .with_context(|| format!("{} cannot be written.", path.display()))?;
        Ok(note)
    }

    /// The address of the server of this data directory, if one answers.
    pub(crate) async fn find(settings: &Settings) -> Option<String> {
        let text = std::fs::read_to_string(Self::place(settings)).ok()?;
        let mut note: Self = serde_json::from_str(&text).ok()?;
        // A note of another process must not be removed by this one.
        let url = std::mem::take(&mut note.url);
        std::mem::forget(note);
        let health = fuente_wire::client::build(&url)
            .ok()?
            .get(format!("{url}/healthz"))
            .timeout(Duration::from_secs(2))
            .send()
            .await
            .ok()?;
        health.status().is_success().then_some(url)
    }
}

impl Drop for RunningNote {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Refuses where there is no installation in the data directory, and leaves it as it was.
pub(crate) fn must_exist(settings: &Settings) -> Result<()> {
    let folder = &settings.data.directory;
    ensure!(
        settings.store.mode != StoreMode::Embedded || folder.join("postgres/cluster/PG_VERSION").is_file(),
        "There is no Fuente in {}. Start one there with `fuente up`, or name its folder: data.directory \
         (FUENTE__DATA__DIRECTORY).",
        folder.display()
    );
    Ok(())
}

/// A server to talk to: the one that runs already, or one started for this command.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) store: Store,
    pub(crate) door: Door,
    own: Option<Running>,
    attached: Option<EmbeddedPostgres>,
}

impl Server {
    pub(crate) async fn reach(settings: &Settings) -> Result<Self> {
        if let Some(url) = RunningNote::find(settings).await {
            let (store, attached) = assemble::open_store(settings).await?;
            return Ok(Self { url, store, door: Door::open(), own: None, attached });
        }
        let mut settings = settings.clone();
        settings.gateway.port = 0;
        // A command is not what an operator watches, and the address may be a server's.
        settings.telemetry.metrics_listen.clear();
        let running = assemble::start(&settings).await?;
        Ok(Self {
            url: running.url.clone(),
            store: running.store.clone(),
            door: running.door.clone(),
            own: Some(running),
            attached: None,
        })
    }

    pub(crate) async fn leave(self) -> Result<()> {
        if let Some(own) = self.own {
            return own.stop().await;
        }
        if let Some(postgres) = self.attached {
            self.store.close().await;
            postgres.stop().await?;
        }
        Ok(())
    }

    /// The write side, where this process runs it.
    pub(crate) fn ingest(&self) -> Option<&dyn fuente_contract::Ingest> {
        self.own.as_ref().map(|running| running.ingest.as_ref())
    }

    /// Opens a short session for a user of the tenant; whoever can read the data directory may.
    pub(crate) async fn act_as(&self, tenant: &str, user: &str) -> Result<Caller> {
        let id = tenant_id(&self.store, &self.door, tenant).await?;
        let info = user_named(&self.store, &self.door, id, user).await?;
        let scope = self.door.admit(id, info.id, info.role, info.content_read, Credential::Local);
        let token = sessions::open(&scope, &self.store, 1, 1).await?;
        Ok(Caller { url: self.url.clone(), token, http: fuente_wire::client::build(&self.url)? })
    }
}

/// The tenant of a slug.
pub(crate) async fn tenant_id(store: &Store, door: &Door, slug: &str) -> Result<TenantId> {
    match tenants::by_slug(&door.system(), store, slug).await? {
        Some(id) => Ok(id),
        None => bail!("There is no tenant `{slug}`. `fuente tenant list` shows those there are."),
    }
}

/// The user of an e-mail address, or of the part before the @ where that is enough.
pub(crate) async fn user_named(store: &Store, door: &Door, tenant: TenantId, name: &str) -> Result<UserInfo> {
    if let Some(user) = users::by_email(&door.system(), store, tenant, name).await? {
        return Ok(user);
    }
    let operator = crate::admin::operator(door, tenant);
    let all = crate::admin::every(async |page| users::list(&operator, store, &page).await).await?;
    let mut found = all.into_iter().filter(|user| user.email.split('@').next() == Some(name));
    match (found.next(), found.next()) {
        (Some(user), None) => Ok(user),
        _ => bail!("There is no user `{name}` in this tenant. `fuente user list` shows those there are."),
    }
}

/// A signed-in caller.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) url: String,
    token: String,
    http: reqwest::Client,
}

impl Caller {
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// Sends a request and reads its JSON; a problem document becomes its sentence.
    pub(crate) async fn json<T: serde::de::DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T> {
        let reply = checked(request.send().await.context("The server does not answer.")?).await?;
        reply.json().await.context("The server's reply cannot be read.")
    }

    /// Asks, and hands over each event as it arrives.
    pub(crate) async fn ask(&self, question: &str, each: impl FnMut(AnswerEvent)) -> Result<()> {
        self.ask_at_most(question, None, each).await
    }

    /// [`Caller::ask`] with at most so many tokens written.
    pub(crate) async fn ask_at_most(
        &self,
        question: &str,
        max_tokens: Option<u32>,
        mut each: impl FnMut(AnswerEvent),
    ) -> Result<()> {
        let request = self
            .request(reqwest::Method::POST, "/v1/ask")
            .header("accept", "text/event-stream")
            .json(&serde_json::json!({ "question": question, "max_tokens": max_tokens }));
        let reply = checked(request.send().await.context("The server does not answer.")?).await?;
        let mut bytes = reply.bytes_stream();
        let mut pending = Vec::new();
        while let Some(part) = bytes.next().await {
            pending.extend_from_slice(&part.context("The connection broke.")?);
            while let Some(end) = pending.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = pending.drain(..end + 2).collect();
                if let Some(event) = parse(&String::from_utf8_lossy(&block))? {
                    each(event);
                }
            }
        }
        Ok(())
    }
}

fn parse(block: &str) -> Result<Option<AnswerEvent>> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    let (Some(name), Some(data)) = (field("event:"), field("data:")) else { return Ok(None) };
    let value: serde_json::Value = serde_json::from_str(data)?;
    Ok(Some(serde_json::from_value(serde_json::json!({ "event": name, "data": value }))?))
}

/// The tenant's queue is full; a retry is worth it after so many seconds.
#[derive(Debug)]
pub(crate) struct Full(pub(crate) u64);

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "The queue is full; the next try is in {} s.", self.0)
    }
}

impl std::error::Error for Full {}

async fn checked(reply: reqwest::Response) -> Result<reqwest::Response> {
    if reply.status().is_success() {
        return Ok(reply);
    }
    let status = reply.status();
    if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
        let after = reply.headers().get("retry-after").and_then(|value| value.to_str().ok());
        if let Some(seconds) = after.and_then(|text| text.parse::<u64>().ok()) {
            return Err(Full(seconds).into());
        }
    }
    let body: serde_json::Value = reply.json().await.unwrap_or_default();
    let detail = body.get("detail").and_then(serde_json::Value::as_str);
    let detail = detail.map_or_else(|| format!("The server answered {status}."), str::to_owned);
    Err(Declined { status, detail }.into())
}

/// The server said no.
#[derive(Debug)]
pub(crate) struct Declined {
    status: reqwest::StatusCode,
    detail: String,
}

impl Declined {
    /// Whether the same call would be declined again.
    pub(crate) fn is_final(&self) -> bool {
        use reqwest::StatusCode as Status;
        self.status.is_client_error()
            && ![Status::UNAUTHORIZED, Status::REQUEST_TIMEOUT, Status::TOO_MANY_REQUESTS].contains(&self.status)
    }
}

impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Declined {}
