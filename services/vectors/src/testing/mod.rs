//! A small vector server for tests: Qdrant's own protocol over the embedded engine.
//!
//! It exists so that the server adapter is exercised over a socket on every machine. It
//! answers the calls which that adapter makes, on disk, and keeps its collections over a
//! restart. What it does not know it refuses: an option or condition that were passed over
//! would let a wrong filter look right. It is one process on the loopback, with no key, no
//! replicas and no graph index, and says so by its version.

mod collections;
mod convert;
mod idf;
mod points;
mod refuse;
mod shelf;

use qdrant_client::qdrant::collections_server::CollectionsServer;
use qdrant_client::qdrant::points_server::PointsServer;
use qdrant_client::qdrant::qdrant_server::{Qdrant, QdrantServer};
use qdrant_client::qdrant::{HealthCheckReply, HealthCheckRequest};
use shelf::Shelves;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// The server whose protocol this speaks.
const VERSION: &str = "1.19.0";
/// Largest request: Qdrant takes any size, and long lists of ids must get through.
const LARGEST: usize = 64 * 1024 * 1024;

/// A running test server; dropping it stops it without waiting.
pub struct TestQdrant {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), tonic::transport::Error>>,
}

/// Starts a server on a free port of the loopback, with its collections under `dir`.
pub async fn start_qdrant_grpc(dir: &Path) -> io::Result<TestQdrant> {
    start(dir, "127.0.0.1:0", VERSION).await
}

/// Starts it again where it was: `url` is one that it had.
pub async fn restart_qdrant_grpc(dir: &Path, url: &str) -> io::Result<TestQdrant> {
    start(dir, url.trim_start_matches("http://"), VERSION).await
}

/// Starts one that says to be of another version.
pub async fn start_qdrant_grpc_of_version(dir: &Path, version: &'static str) -> io::Result<TestQdrant> {
    start(dir, "127.0.0.1:0", version).await
}

async fn start(dir: &Path, address: &str, version: &'static str) -> io::Result<TestQdrant> {
    let shelves = Arc::new(Shelves::open(dir).map_err(io::Error::other)?);
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Server::builder()
        .add_service(QdrantServer::new(Health(version)))
        .add_service(CollectionsServer::from_arc(Arc::clone(&shelves)))
        .add_service(PointsServer::from_arc(shelves).max_decoding_message_size(LARGEST));
    let served = tokio::spawn(router.serve_with_incoming_shutdown(TcpIncoming::from(listener), async {
        // An error means that the handle was dropped, which is a wish to stop as well.
        let _ = stopped.await;
    }));
    Ok(TestQdrant { url, stop: Some(stop), served })
}

impl TestQdrant {
    /// The address to give to [`crate::server`].
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server and closes its shards, so that another may open the directory.
    pub async fn stop(mut self) -> io::Result<()> {
        if let Some(stop) = self.stop.take() {
            // The server may have ended by itself; waiting for it below tells.
            let _ = stop.send(());
        }
        self.served.await.map_err(io::Error::other)?.map_err(io::Error::other)
    }
}

struct Health(&'static str);

#[tonic::async_trait]
impl Qdrant for Health {
    async fn health_check(&self, _request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckReply>, Status> {
        Ok(Response::new(HealthCheckReply {
            title: "Fuente's test vector server".into(),
            version: self.0.into(),
            commit: None,
        }))
    }
}
