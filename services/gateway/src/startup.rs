//! Puts the gateway together: parts in, a bound server out.

use crate::routes::{self, door};
use crate::state::State;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use anyhow::{Context, ensure};
use fuente_contract::{Answer, Door, Ingest, Search};
use fuente_settings::{Settings, StoreMode};
use fuente_store::{Store, StoreOptions};
use fuente_wire::health::Ready;
use fuente_wire::metrics::{Metrics, NoGauges, TAKEN as METRICS};
use fuente_wire::{BodyLimit, RemoteAnswer, RemoteIngest, RemoteSearch};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What the gateway is made of. Each service is in this process or behind HTTP; it cannot tell.
pub struct Parts {
    pub settings: Settings,
    pub store: Store,
    pub ingest: Arc<dyn Ingest>,
    pub search: Arc<dyn Search>,
    pub answer: Arc<dyn Answer>,
    pub door: Door,
}

/// Binds the public door and returns it with its port (settings may name port 0: any free one).
/// It serves once it is awaited or spawned.
///
/// # Errors
/// Where the route table and the API's description differ, or the address cannot be bound.
pub fn build(parts: Parts) -> io::Result<(Server, u16)> {
    let description = routes::description();
    let register = routes::register(&description, routes::table()).map_err(io::Error::other)?;
    let json = description.to_json().map_err(io::Error::other)?;
    let (host, port) = (parts.settings.gateway.host.clone(), parts.settings.gateway.port);
    let limit = BodyLimit(parts.settings.gateway.max_json_bytes);
    let state = Arc::new(State::new(parts, routes::table(), json));
    let ready: Arc<dyn Ready> = state.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&state)))
            .app_data(web::Data::from(Arc::clone(&ready)))
            .app_data(limit)
            .wrap(from_fn(door::secure))
            .configure(register.clone())
    })
    .client_request_timeout(Duration::from_secs(10))
    // A reader who closes the connection has gone: the answer must stop being made.
    .h1_allow_half_closed(false)
    .shutdown_timeout(30)
    .bind((host, port))?;
    let port = server.addrs().first().map_or(port, SocketAddr::port);
    Ok((server.run(), port))
}

/// Whether the gateway's address can be listened on, asked before models are loaded for nothing.
///
/// # Errors
/// Names the address, and the settings that choose another.
pub fn address_is_free(settings: &Settings) -> anyhow::Result<()> {
    let (host, port) = (settings.gateway.host.as_str(), settings.gateway.port);
    // Bound and let go at once; who takes it meanwhile is told of when the gateway binds it for good.
    std::net::TcpListener::bind((host, port)).map(drop).with_context(|| {
        format!("{host}:{port} cannot be listened on: stop what listens there, or set gateway.port (or gateway.host)")
    })
}

/// The gateway as a process of its own, until told to stop. The other services are elsewhere.
///
/// # Errors
/// Names the setting that is missing, the store that does not open, or the address that is taken.
pub async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let secret = settings.service_secret().map_err(anyhow::Error::msg)?;
    ensure!(settings.store.mode == StoreMode::External, "store.mode must be \"external\" where services run apart.");
    for (key, url) in [
        ("ingest.url", &settings.ingest.url),
        ("search.url", &settings.search.url),
        ("answer.url", &settings.answer.url),
    ] {
        ensure!(!url.is_empty(), "{key} is needed: the address of that service.");
    }
    address_is_free(settings)?;
    // Serving needs no owner: that is the step before.
    let opened = fuente_store::open(&options(settings, "")).await.context("The gateway does not start.")?;
    let parts = Parts {
        settings: settings.clone(),
        store: opened.store.clone(),
        ingest: Arc::new(RemoteIngest::new(&settings.ingest.url, secret)?),
        search: Arc::new(RemoteSearch::new(&settings.search.url, secret)?),
        answer: Arc::new(RemoteAnswer::new(&settings.answer.url, secret)?),
        door: Door::open(),
    };
    let (server, port) = build(parts).context("The gateway does not start.")?;
    let metrics = Metrics::serve(&settings.telemetry.metrics_listen, Arc::new(NoGauges)).context(METRICS)?;
    tracing::info!(host = settings.gateway.host, port, "gateway listens");
    server.await?;
    if let Some(metrics) = metrics {
        metrics.stop().await;
    }
    opened.close().await.map_err(Into::into)
}

/// Brings the database of `store.migrator_url` up to date, once, before the processes start: the
/// only step of a deployment that knows the owner's password.
///
/// # Errors
/// Names the setting that is missing, or says why the database cannot be migrated.
pub async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    ensure!(settings.store.mode == StoreMode::External, "store.mode must be \"external\" to migrate a database apart.");
    ensure!(!settings.store.migrator_url.0.is_empty(), "store.migrator_url is needed: the owner of the database.");
    fuente_store::migrate(&options(settings, &settings.store.migrator_url.0))
        .await
        .context("The database is not migrated.")
}

fn options(settings: &Settings, migrator: &str) -> StoreOptions {
    StoreOptions::external(&settings.store.url.0, migrator, settings.store.max_connections)
}
