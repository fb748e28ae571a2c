//! Puts the gateway together: parts in, a bound server out.

use crate::routes::{self, door};
use crate::state::State;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use fuente_contract::{Answer, Door, Ingest, Search};
use fuente_settings::Settings;
use fuente_store::Store;
use fuente_wire::BodyLimit;
use fuente_wire::health::Ready;
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
