//! The acceptor and the workers, built from the settings.

use crate::accept::Acceptor;
use crate::identity;
use crate::meter::QueueGauges;
use crate::models::Models;
use crate::pipeline::Pipeline;
use crate::rebuild::Rebuild;
use crate::reconcile::Reconciler;
use crate::sweep::Sweeper;
use crate::worker::{self, Worker};
use actix_web::web::ServiceConfig;
use anyhow::Context;
use fuente_contract::{Door, Error, Result, SystemScope};
use fuente_extract::{Jail, Ocr};
use fuente_models::{Embedder, EmbedderOptions, Embedders};
use fuente_settings::{Settings, StoreMode, VectorsMode};
use fuente_store::blobs::Blobs;
use fuente_store::jobs::QueueRules;
use fuente_store::{Opened, Store, StoreOptions, embedders};
use fuente_vectors::{Indexes, Place};
use fuente_wire::Opener;
use fuente_wire::health::Asks;
use fuente_wire::metrics::{Metrics, TAKEN as METRICS};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Workers that run in the background of this process.
pub struct Workers {
    stop: CancellationToken,
    running: JoinSet<()>,
}

impl Workers {
    /// Gives back the jobs in hand and returns when no worker runs any more.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.running.join_next().await.is_some() {}
    }
}

/// Starts the workers and returns the door through which documents reach them.
///
/// # Errors
/// Where the blob store or this program's own path cannot be opened.
pub async fn start(
    settings: &Settings,
    system: SystemScope,
    store: Store,
    indexes: Indexes,
    embedders: Embedders,
) -> Result<(Acceptor, Workers)> {
    embedders::want(&system, &store, embedders.wanted().id()).await?;
    let models = Models { system: system.clone(), store: store.clone(), embedders, indexes };
    let blobs = Blobs::open(&settings.data.directory.join("blobs"))?;
    let wake = Arc::new(Notify::new());
    let sweeper =
        Sweeper { system: system.clone(), store: store.clone(), blobs: blobs.clone(), models: models.clone() };
    let reconciler =
        Reconciler { system: system.clone(), store: store.clone(), blobs: blobs.clone(), models: models.clone() };
    let stop = CancellationToken::new();
    let rebuild = Rebuild {
        system: system.clone(),
        store: store.clone(),
        models: models.clone(),
        reconciler: reconciler.clone(),
        batch_tokens: settings.ingest.batch_tokens,
        stop: stop.clone(),
    };
    let acceptor = Acceptor {
        store: store.clone(),
        reconciler: reconciler.clone(),
        sweeper: sweeper.clone(),
        blobs: blobs.clone(),
        models: models.clone(),
        wake: wake.clone(),
        max_bytes: settings.gateway.max_upload_bytes,
        tenant_waiting: settings.ingest.tenant_waiting,
    };
    let pipeline = Pipeline {
        system,
        store,
        blobs,
        models,
        jail: jail(settings)?,
        batch_tokens: settings.ingest.batch_tokens,
        sweeper: sweeper.clone(),
    };
    // Before any worker of this process has a lease.
    worker::take_back(&pipeline.system, &pipeline.store).await;
    let mut running = JoinSet::new();
    running.spawn(sweeper.run(stop.clone()));
    running.spawn(rebuild.run());
    if settings.ingest.reconcile_hours > 0 {
        let every = Duration::from_secs(settings.ingest.reconcile_hours * 3_600);
        running.spawn(reconciler.daily(every, stop.clone()));
    }
    let rules = QueueRules {
        tenant_running: settings.ingest.tenant_running,
        bulk_patience: Duration::from_secs(settings.ingest.bulk_patience_seconds.max(1)),
    };
    for number in 0..settings.ingest.workers.max(1) {
        let name = identity::name(number);
        running.spawn(Worker { name, pipeline: pipeline.clone(), rules, wake: wake.clone(), stop: stop.clone() }.run());
    }
    Ok((acceptor, Workers { stop, running }))
}

/// The limits under which one document is read.
///
/// # Errors
/// Where this program cannot find its own path.
pub fn jail(settings: &Settings) -> Result<Jail> {
    let limits = &settings.extract;
    let program: PathBuf = if limits.program.as_os_str().is_empty() {
        std::env::current_exe().map_err(Error::internal)?
    } else {
        limits.program.clone()
    };
    Ok(Jail {
        program,
        args: vec!["extract-child".to_owned()],
        pdfium: settings.cache().join("lib/libpdfium.so"),
        wall: Duration::from_secs(limits.wall_seconds),
        cpu_seconds: limits.cpu_seconds,
        memory_bytes: limits.memory_bytes,
        max_text_chars: limits.max_text_chars,
        max_pages: limits.max_pages,
        ocr: limits.ocr_program().map(|program| Ocr {
            program,
            languages: limits.ocr_languages.clone(),
            max_pages: limits.ocr_pages,
        }),
    })
}

/// The service as a process of its own, until told to stop. It works on one Postgres and one
/// Qdrant with the others, so both must be servers.
///
/// # Errors
/// Names the backend that does not open, or the address that is taken.
pub async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let secret = settings.service_secret().map_err(anyhow::Error::msg)?;
    anyhow::ensure!(
        settings.store.mode == StoreMode::External,
        "store.mode must be \"external\" where services run apart."
    );
    anyhow::ensure!(
        settings.vectors.mode == VectorsMode::Server,
        "vectors.mode must be \"server\" where services run apart."
    );
    let (opened, embedder) =
        tokio::try_join!(store(settings), embedder(settings)).context("The ingest service does not start.")?;
    let at = &settings.vectors;
    let indexes = Indexes::at(Place::Server {
        url: at.url.clone(),
        api_key: Some(at.api_key.0.clone()).filter(|key| !key.is_empty()),
        collection: at.collection.clone(),
    });
    // A server that cannot be used ends the start, not the first job.
    indexes.of(embedder.id(), embedder.dim()).await?;
    let embedders = Embedders::new(embedder, &settings.cache(), settings.models.threads);
    let door = Door::open();
    let gauges = QueueGauges { system: door.system(), store: opened.store.clone() };
    let metrics = Metrics::serve(&settings.telemetry.metrics_listen, Arc::new(gauges)).context(METRICS)?;
    let (acceptor, workers) = start(settings, door.system(), opened.store.clone(), indexes, embedders).await?;
    let serve = fuente_wire::serve::ingest(Arc::new(acceptor), Opener::new(secret, door));
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
    let (server, port) = fuente_wire::serve::start(&settings.ingest.host, settings.ingest.port, routes)
        .context("The address is taken; set ingest.host and ingest.port.")?;
    tracing::info!(port, "ingest service listens");
    server.await?;
    if let Some(metrics) = metrics {
        metrics.stop().await;
    }
    workers.stop().await;
    opened.close().await.map_err(Into::into)
}

async fn store(settings: &Settings) -> Result<Opened> {
    let at = &settings.store;
    // The process that handles files from outside never holds the owner's password.
    fuente_store::open(&StoreOptions::external(&at.url.0, "", at.max_connections)).await
}

async fn embedder(settings: &Settings) -> Result<Embedder> {
    let models = &settings.models;
    Embedder::open(EmbedderOptions::at(&settings.cache(), &models.embedder, models.threads)).await
}
