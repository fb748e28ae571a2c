//! Backends of the answer service are picked here, once (I8).

use crate::{Answerer, AnswererOptions};
use actix_web::dev::Server;
use actix_web::web::ServiceConfig;
use anyhow::Context;
use fuente_contract::{Door, Error, Result};
use fuente_models::{Embedder, EmbedderOptions, Generator, LocalOptions, RemoteOptions, manifest};
use fuente_settings::{EngineKind, Settings};
use fuente_wire::health::Ready;
use fuente_wire::metrics::{Metrics, NoGauges, TAKEN as METRICS};
use fuente_wire::{Opener, RemoteSearch};
use std::sync::Arc;

/// Loads the language model, or connects to the server that has one.
///
/// # Errors
/// Names the file that is missing or broken, and how to get it.
pub async fn generator(settings: &Settings) -> Result<Arc<dyn Generator>> {
    let models = &settings.models;
    let made = match models.engine {
        EngineKind::Remote => fuente_models::remote(&RemoteOptions {
            url: models.remote_url.clone(),
            model: models.remote_model.clone(),
            key: Some(models.remote_key.0.clone()).filter(|key| !key.is_empty()),
            context_tokens: models.context_tokens,
        }),
        EngineKind::Local => {
            let entry = manifest::generator(&models.generator)
                .map_err(|error| Error::invalid(format!("`models.generator`: {error}.")))?;
            let options = LocalOptions {
                file: entry.directory(&settings.cache()).join("model.gguf"),
                sha256: entry.sha256().into(),
                name: entry.name.clone(),
                threads: models.threads,
                context_tokens: models.context_tokens,
                queue: settings.answer.queue,
            };
            tokio::task::spawn_blocking(move || fuente_models::local(&options)).await.map_err(Error::internal)?
        }
    };
    made.map_err(|error| Error::unavailable(error.to_string(), 60))
}

/// The process is of no use once its engine's thread is gone.
struct EngineReady(Arc<dyn Generator>);

#[async_trait::async_trait]
impl Ready for EngineReady {
    async fn ready(&self) -> Result<()> {
        if self.0.alive() {
            Ok(())
        } else {
            Err(Error::unavailable("The engine has stopped. Start the process again.", 60))
        }
    }
}

/// How to answer, as the settings say.
#[must_use]
pub fn options(settings: &Settings) -> AnswererOptions {
    AnswererOptions {
        evidence_tokens: settings.answer.evidence_tokens,
        max_tokens: settings.answer.max_tokens,
        abstain_below: settings.answer.abstain_below,
        seed: settings.models.seed,
    }
}

/// Loads the embedding model, which compares an answer with its sources across languages.
async fn embedder(settings: &Settings) -> Result<Embedder> {
    let models = &settings.models;
    Embedder::open(EmbedderOptions::at(&settings.cache(), &models.embedder, models.threads)).await
}

/// The service as a process of its own: its server, not yet awaited, and its port.
///
/// # Errors
/// Names the model that does not load, or the address that is taken.
pub async fn build(settings: &Settings) -> anyhow::Result<(Server, u16)> {
    let secret = settings.service_secret().map_err(anyhow::Error::msg)?;
    let (generator, embedder) =
        tokio::try_join!(generator(settings), embedder(settings)).context("The answer service does not start.")?;
    anyhow::ensure!(!settings.search.url.is_empty(), "search.url is needed: the address of the search service.");
    let search = Arc::new(RemoteSearch::new(&settings.search.url, secret)?);
    let engine = EngineReady(Arc::clone(&generator));
    let answerer = Answerer::new(search, generator, embedder, options(settings));
    let serve = fuente_wire::serve::answer(Arc::new(answerer), Opener::new(secret, Door::open()));
    let health = fuente_wire::health::routes(Arc::new(engine));
    let routes = move |config: &mut ServiceConfig| {
        serve(config);
        health(config);
    };
    fuente_wire::serve::start(&settings.answer.host, settings.answer.port, routes)
        .context("The address is taken; set answer.host and answer.port.")
}

/// [`build`], then serves until told to stop.
///
/// # Errors
/// As [`build`], or where the server breaks.
pub async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let (server, port) = build(settings).await?;
    let metrics = Metrics::serve(&settings.telemetry.metrics_listen, Arc::new(NoGauges)).context(METRICS)?;
    tracing::info!(port, "answer service listens");
    server.await?;
    if let Some(metrics) = metrics {
        metrics.stop().await;
    }
    Ok(())
}
