//! Starts the HTTP server of a process that other processes call.

use crate::problem::Problem;
use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use fuente_contract::Error;
use std::time::Duration;

/// Serves `routes` on `host:port` (port 0: any free one) until the process is told to stop,
/// and returns the port. The server runs once it is awaited or spawned.
///
/// # Errors
/// Where the address cannot be bound.
pub fn start(
    host: &str,
    port: u16,
    routes: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> std::io::Result<(Server, u16)> {
    let server = HttpServer::new(move || App::new().configure(routes.clone()).default_service(web::to(nowhere)))
        .client_request_timeout(Duration::from_secs(10))
        // A caller that closes its side has gone: its answer must stop being made.
        .h1_allow_half_closed(false)
        .shutdown_timeout(30)
        .bind((host, port))?;
    let port = server.addrs().first().map_or(port, std::net::SocketAddr::port);
    Ok((server.run(), port))
}

async fn nowhere() -> Problem {
    Problem(Error::not_found())
}
