//! Rules over more than one key, checked once at the start.

use crate::{Settings, StoreMode, VectorsMode};
use std::net::IpAddr;

pub(crate) fn rules(settings: &Settings) -> Result<(), String> {
    let secret = &settings.service.secret.0;
    if !secret.is_empty() && secret.len() < 32 {
        return Err(
            "service.secret is too short: use 32 random characters or more (`openssl rand -hex 32` makes some).".into(),
        );
    }
    let gateway = &settings.gateway;
    if let Some(name) = gateway.proxy_names().find(|name| name.parse::<IpAddr>().is_err()) {
        return Err(format!("gateway.trusted_proxies holds `{name}`, which is no address such as 10.0.0.2."));
    }
    if !gateway.is_local() && !gateway.secure_cookies {
        return Err("gateway.host is not a loopback address, so gateway.secure_cookies must be true: sessions would cross the network in the clear. Put HTTPS before the door.".into());
    }
    let listen = &settings.telemetry.metrics_listen;
    if !listen.is_empty() && listen.parse::<std::net::SocketAddr>().is_err() {
        return Err(format!("telemetry.metrics_listen is `{listen}`, which is no address such as 127.0.0.1:9464."));
    }
    let apart = [&settings.ingest.url, &settings.search.url, &settings.answer.url].iter().any(|url| !url.is_empty());
    if apart && secret.is_empty() {
        return Err("A service runs apart (ingest.url, search.url or answer.url is set), so service.secret is needed: the same 32 random characters or more for every process.".into());
    }
    if settings.store.mode == StoreMode::External && settings.store.url.0.is_empty() {
        return Err(
            "store.mode is \"external\", so store.url is needed (postgres://fuente_app:…@host/database).".into()
        );
    }
    if settings.vectors.mode == VectorsMode::Server && settings.vectors.url.is_empty() {
        return Err("vectors.mode is \"server\", so vectors.url is needed (http://host:6334).".into());
    }
    if settings.models.engine == crate::EngineKind::Remote && settings.models.remote_url.is_empty() {
        return Err("models.engine is \"remote\", so models.remote_url is needed (https://host/v1).".into());
    }
    Ok(())
}
