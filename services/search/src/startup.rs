//! Backends of the search service are picked here, once (I8).

use crate::{Searcher, SearcherOptions};
use actix_web::dev::Server;
use actix_web::web::ServiceConfig;
use anyhow::Context;
use fuente_contract::{Door, Result, SystemScope};
use fuente_models::{Embedder, EmbedderOptions, Embedders};
use fuente_settings::{Settings, StoreMode, VectorsMode};
use fuente_store::{Opened, Store, StoreOptions, embedders};
use fuente_vectors::{Indexes, Place};
use fuente_wire::Opener;
use fuente_wire::health::Asks;
use fuente_wire::metrics::{Metrics, NoGauges, TAKEN as METRICS};
use std::sync::Arc;

/// Opens the store that the settings name.
///
/// # Errors
/// Says which part of Postgres is missing or refuses, and what to do.
pub async fn store(settings: &Settings) -> Result<Opened> {
    fuente_store::open(&store_options(settings)).await
}

/// Where the store is, as the settings say.
#[must_use]
pub fn store_options(settings: &Settings) -> StoreOptions {
    let at = &settings.store;
    match at.mode {
        StoreMode::External => StoreOptions::external(&at.url.0, &at.migrator_url.0, at.max_connections),
        StoreMode::Embedded => StoreOptions {
            postgres: (!at.postgres.as_os_str().is_empty()).then(|| at.postgres.clone()),
            ..StoreOptions::embedded(&settings.data.directory, settings.cache(), &at.run_as, at.max_connections)
        },
    }
}

/// The vector indexes that the settings name, one for each embedding model.
#[must_use]
pub fn indexes(settings: &Settings) -> Indexes {
    let at = &settings.vectors;
    Indexes::at(match at.mode {
        VectorsMode::Edge => {
            Place::Edge { directory: settings.data.directory.join("vectors"), open_shards: at.open_shards }
        }
        VectorsMode::Server => Place::Server {
            url: at.url.clone(),
            api_key: Some(at.api_key.0.clone()).filter(|key| !key.is_empty()),
            collection: at.collection.clone(),
        },
    })
}

/// The model that the settings name, and those that tenants are still searched with: loaded now, so that
/// no question waits for it.
///
/// # Errors
/// Where Postgres fails, or the index of the settings' model does not open.
pub async fn embedders(
    settings: &Settings,
    system: &SystemScope,
    store: &Store,
    indexes: &Indexes,
    wanted: Embedder,
) -> Result<Embedders> {
    indexes.of(wanted.id(), wanted.dim()).await?;
    let embedders = Embedders::new(wanted, &settings.cache(), settings.models.threads);
    for id in embedders::in_use(system, store).await? {
        // Where one is not there the log says so; other tenants can be searched all the same.
        let _ = embedders.of(&id).await;
    }
    Ok(embedders)
}

/// Loads the embedding model (some seconds), off the async threads.
///
/// # Errors
/// Names the file that is missing or broken, and how to get it.
pub async fn embedder(settings: &Settings) -> Result<Embedder> {
    let models = &settings.models;
    Embedder::open(EmbedderOptions::at(&settings.cache(), &models.embedder, models.threads)).await
}

/// How to search, as the settings say.
#[must_use]
pub fn options(settings: &Settings) -> SearcherOptions {
    SearcherOptions { prefetch: settings.search.prefetch, rrf_k: settings.search.rrf_k }
}

/// Builds the service for a process of its own.
///
/// # Errors
/// Names the backend that does not open.
pub async fn service(settings: &Settings) -> Result<(Searcher, Opened)> {
    // The owner's address is for `fuente-gateway migrate` alone.
    let at = StoreOptions { migrator_url: None, ..store_options(settings) };
    let (opened, embedder) = tokio::try_join!(fuente_store::open(&at), embedder(settings))?;
    let indexes = indexes(settings);
    let system = Door::open().system();
    let embedders = embedders(settings, &system, &opened.store, &indexes, embedder).await?;
    Ok((Searcher::new(opened.store.clone(), indexes, embedders, options(settings)), opened))
}

/// The service as a process of its own: its server, not yet awaited, and its port.
///
/// # Errors
/// Names the backend that does not open, or the address that is taken.
pub async fn build(settings: &Settings) -> anyhow::Result<(Server, u16, Opened)> {
    let secret = settings.service_secret().map_err(anyhow::Error::msg)?;
    // With backends of its own it would search an empty index, and call itself ready.
    anyhow::ensure!(
        settings.store.mode == StoreMode::External,
        "store.mode must be \"external\" where services run apart."
    );
    anyhow::ensure!(
        settings.vectors.mode == VectorsMode::Server,
        "vectors.mode must be \"server\" where services run apart."
    );
    let (service, opened) = service(settings).await.context("The search service does not start.")?;
    let serve = fuente_wire::serve::search(Arc::new(service), Opener::new(secret, Door::open()));
    let asked = opened.store.clone();
    let ready = Asks(move || {
        let store = asked.clone();
        async move { store.ping().await }
    });
    let health = fuente_wire::health::routes(Arc::new(ready));
    let routes = move |config: &mut ServiceConfig| {
        serve(config);
        health(config);
    };
    let (server, port) = fuente_wire::serve::start(&settings.search.host, settings.search.port, routes)
        .context("The address is taken; set search.host and search.port.")?;
    Ok((server, port, opened))
}

/// [`build`], then serves until told to stop.
///
/// # Errors
/// As [`build`], or where the server breaks.
pub async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let (server, port, opened) = build(settings).await?;
    let metrics = Metrics::serve(&settings.telemetry.metrics_listen, Arc::new(NoGauges)).context(METRICS)?;
    tracing::info!(port, "search service listens");
    server.await?;
    if let Some(metrics) = metrics {
        metrics.stop().await;
    }
    opened.close().await.map_err(Into::into)
}
