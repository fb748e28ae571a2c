//! What a process counts about itself, for Prometheus, on an address of its own.
//!
//! Rooms count with the `metrics` facade, which costs nothing until somebody listens. A label may
//! hold only what this source names: a route's pattern, a state, a reason. Never an id, a name, a
//! path or a word that somebody wrote: that would tell of people, and grow without end.

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Seconds, from one read of an index to a long document's embedding.
const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Counts of things that one search weighs.
const COUNTS: &[f64] = &[0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0];

/// How often measurements that nobody asked for are folded together, so that they take no memory.
const FOLDED: Duration = Duration::from_secs(5);

/// The one recorder of this process. None where another one was there first.
static RECORDER: LazyLock<Option<PrometheusHandle>> = LazyLock::new(|| {
    let suffix = |end: &str| Matcher::Suffix(end.to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(suffix("_seconds"), SECONDS);
    let builder = builder.and_then(|builder| builder.set_buckets_for_metric(suffix("_candidates"), COUNTS));
    builder.ok()?.install_recorder().ok()
});

/// What to say where [`Metrics::serve`] fails.
pub const TAKEN: &str = "Metrics cannot be told; set telemetry.metrics_listen to a free address.";

/// What is measured when somebody asks, not when it happens.
#[async_trait::async_trait]
pub trait Gauges: Send + Sync {
    /// Sets the gauges. Where it cannot, it sets them to what says so; it never holds an answer up.
    async fn refresh(&self);
}

/// For a process without any.
pub struct NoGauges;

#[async_trait::async_trait]
impl Gauges for NoGauges {
    async fn refresh(&self) {}
}

/// A listener that tells the metrics; it ends with this.
pub struct Metrics {
    pub address: SocketAddr,
    server: ServerHandle,
    folding: JoinHandle<()>,
}

impl Metrics {
    /// Begins to count, and to tell it at `http://LISTEN/metrics`. Empty: neither.
    ///
    /// # Errors
    /// Where the address is none or is taken.
    pub fn serve(listen: &str, gauges: Arc<dyn Gauges>) -> io::Result<Option<Self>> {
        if listen.is_empty() {
            return Ok(None);
        }
        let address: SocketAddr = listen.parse().map_err(io::Error::other)?;
        let recorder = RECORDER.clone().ok_or_else(|| io::Error::other("something else records metrics"))?;
        let (gauges, told) = (web::Data::from(gauges), web::Data::new(recorder.clone()));
        let server = HttpServer::new(move || {
            App::new().app_data(gauges.clone()).app_data(told.clone()).route("/metrics", web::get().to(tell))
        })
        .workers(1)
        .client_request_timeout(Duration::from_secs(5))
        .shutdown_timeout(1)
        // The process ends when its own door does; see the server beside this one.
        .disable_signals()
        .bind(address)?;
        let address = server.addrs().first().copied().unwrap_or(address);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let folding = tokio::spawn(async move {
            loop {
                tokio::time::sleep(FOLDED).await;
                recorder.run_upkeep();
            }
        });
        tracing::info!(%address, "metrics are told");
        Ok(Some(Self { address, server: handle, folding }))
    }

    pub async fn stop(self) {
        self.folding.abort();
        self.server.stop(false).await;
    }
}

async fn tell(gauges: web::Data<dyn Gauges>, recorder: web::Data<PrometheusHandle>) -> HttpResponse {
    gauges.refresh().await;
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(recorder.render())
}
