//! All services in one runtime: backends are picked here, once; nothing later asks which (I8).

use anyhow::{Context, Result};
use fuente_answer::Answerer;
use fuente_contract::{Answer, Door, Ingest, Search};
use fuente_gateway::Parts;
use fuente_ingest::meter::QueueGauges;
use fuente_ingest::startup::Workers;
use fuente_models::{Embedder, Generator};
use fuente_search::Searcher;
use fuente_settings::Settings;
use fuente_store::{EmbeddedPostgres, Store, folder};
use fuente_vectors::Indexes;
use fuente_wire::metrics::{Metrics, TAKEN};
use std::sync::Arc;

/// The rooms, opened; no service yet.
pub struct Rooms {
    pub store: Store,
    pub indexes: Indexes,
    pub embedder: Embedder,
    pub generator: Arc<dyn Generator>,
    pub postgres: Option<EmbeddedPostgres>,
}

impl Rooms {
    /// Opens the store, the vectors and the models side by side: each takes a second or two.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let ((store, postgres), embedder, generator) = tokio::try_join!(
            async { open_store(settings).await },
            async { fuente_search::startup::embedder(settings).await.context("The embedding model does not load.") },
            async { fuente_answer::startup::generator(settings).await.context("The language model does not load.") },
        )?;
        let indexes = fuente_search::startup::indexes(settings);
        Ok(Self { store, indexes, embedder, generator, postgres })
    }
}

/// Opens the store alone, for administration.
pub async fn open_store(settings: &Settings) -> Result<(Store, Option<EmbeddedPostgres>)> {
    // Only Postgres' own user passes through, to its cluster.
    folder::private(&settings.data.directory, folder::PASSAGE).context("The data directory cannot be used.")?;
    let opened = fuente_search::startup::store(settings).await.context("Postgres does not open.")?;
    Ok((opened.store, opened.postgres))
}

/// Everything, running.
pub struct Running {
    pub url: String,
    pub store: Store,
    pub door: Door,
    /// The search service, for evaluations that need no HTTP.
    pub search: Arc<dyn Search>,
    pub ingest: Arc<dyn Ingest>,
    server: actix_web::dev::ServerHandle,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
    workers: Workers,
    metrics: Option<Metrics>,
    postgres: Option<EmbeddedPostgres>,
}

/// Starts every service and the gateway; returns once the door is open.
pub async fn start(settings: &Settings) -> Result<Running> {
    fuente_gateway::startup::address_is_free(settings)?;
    let rooms = Rooms::open(settings).await?;
    let door = Door::open();
    // First, so that nothing goes uncounted.
    let gauges = QueueGauges { system: door.system(), store: rooms.store.clone() };
    let metrics = Metrics::serve(&settings.telemetry.metrics_listen, Arc::new(gauges)).context(TAKEN)?;
    let wanted = rooms.embedder.clone();
    let embedders = fuente_search::startup::embedders(settings, &door.system(), &rooms.store, &rooms.indexes, wanted)
        .await
        .context("The vector index does not open.")?;
    let search: Arc<dyn Search> = Arc::new(Searcher::new(
        rooms.store.clone(),
        rooms.indexes.clone(),
        embedders.clone(),
        fuente_search::startup::options(settings),
    ));
    let answer: Arc<dyn Answer> = Arc::new(Answerer::new(
        search.clone(),
        rooms.generator,
        rooms.embedder,
        fuente_answer::startup::options(settings),
    ));
    let (acceptor, workers) =
        fuente_ingest::startup::start(settings, door.system(), rooms.store.clone(), rooms.indexes, embedders)
            .await
            .context("The ingest workers do not start.")?;
    let ingest: Arc<dyn Ingest> = Arc::new(acceptor);
    let parts = Parts {
        settings: settings.clone(),
        store: rooms.store.clone(),
        ingest: ingest.clone(),
        search: search.clone(),
        answer,
        door: door.clone(),
    };
    let (server, port) = fuente_gateway::build(parts).context("The gateway does not start.")?;
    let handle = server.handle();
    let serving = tokio::spawn(server);
    Ok(Running {
        url: format!("http://{}:{port}", settings.gateway.host),
        store: rooms.store,
        door,
        search,
        ingest,
        server: handle,
        serving,
        workers,
        metrics,
        postgres: rooms.postgres,
    })
}

impl Running {
    /// Serves until the process is told to stop, then stops in order.
    pub async fn until_stopped(mut self) -> Result<()> {
        tokio::select! {
            ended = &mut self.serving => { ended??; }
            signal = stop_signal() => { signal?; }
        }
        self.stop().await
    }

    /// Door first, then the workers (jobs in hand are given back), then Postgres.
    pub async fn stop(self) -> Result<()> {
        self.server.stop(true).await;
        self.workers.stop().await;
        if let Some(metrics) = self.metrics {
            metrics.stop().await;
        }
        self.store.close().await;
        if let Some(postgres) = self.postgres {
            postgres.stop().await.context("Postgres did not stop cleanly.")?;
        }
        Ok(())
    }
}

async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        pressed = tokio::signal::ctrl_c() => pressed,
    }
}
