//! The shape of the settings. What each key means stands in `default.toml`, beside its default.

use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;

/// A value that never shows itself in a log.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub data: Data,
    pub gateway: Gateway,
    pub ingest: Ingest,
    pub extract: Extract,
    pub search: Search,
    pub answer: Answer,
    pub models: Models,
    pub store: Store,
    pub vectors: Vectors,
    pub service: Service,
    pub telemetry: Telemetry,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub directory: PathBuf,
    pub cache: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    pub host: String,
    pub port: u16,
    pub public_url: String,
    pub default_tenant: String,
    pub session_idle_hours: i64,
    pub session_max_hours: i64,
    pub secure_cookies: bool,
    pub max_json_bytes: usize,
    pub max_upload_bytes: u64,
    pub max_archive_entries: usize,
    pub max_unpacked_bytes: u64,
    pub sign_in_attempts: u32,
    pub trusted_proxies: String,
}

impl Gateway {
    /// The addresses of `trusted_proxies`. The boot refuses what cannot be read, so nothing is
    /// left out here.
    #[must_use]
    pub fn proxies(&self) -> Vec<IpAddr> {
        self.proxy_names().filter_map(|name| name.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical()).collect()
    }

    pub(crate) fn proxy_names(&self) -> impl Iterator<Item = &str> {
        self.trusted_proxies.split(',').map(str::trim).filter(|name| !name.is_empty())
    }

    /// Whether only this machine reaches the door.
    pub(crate) fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    pub host: String,
    pub port: u16,
    pub url: String,
    pub workers: usize,
    pub batch_tokens: usize,
    pub reconcile_hours: u64,
    pub tenant_running: u32,
    pub tenant_waiting: u32,
    pub bulk_patience_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    pub wall_seconds: u64,
    pub cpu_seconds: u64,
    pub memory_bytes: u64,
    pub max_text_chars: usize,
    pub max_pages: u32,
    pub program: PathBuf,
    pub ocr: String,
    pub ocr_languages: String,
    pub ocr_pages: u32,
}

impl Extract {
    /// The program that recognises scanned pages: a path as it is, a name looked up on PATH; none
    /// where recognition is off or the program is not installed.
    #[must_use]
    pub fn ocr_program(&self) -> Option<PathBuf> {
        let given = PathBuf::from(&self.ocr);
        if self.ocr.is_empty() || given.components().count() > 1 {
            return Some(given).filter(|path| path.is_file());
        }
        let path = crate::environment("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(&given)).find(|path| path.is_file())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    pub host: String,
    pub port: u16,
    pub url: String,
    pub prefetch: usize,
    pub rrf_k: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub host: String,
    pub port: u16,
    pub url: String,
    pub evidence_tokens: u32,
    pub max_tokens: u32,
    pub abstain_below: f32,
    pub queue: usize,
}

/// A setting that takes one of a few words; another is refused with those that there are.
macro_rules! one_of {
    ($name:ident { $($variant:ident = $word:literal),+ }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub enum $name { $($variant),+ }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                match word.as_str() {
                    $($word => Ok(Self::$variant),)+
                    other => Err(format!("\"{other}\" is none of {}", [$(concat!("\"", $word, "\"")),+].join(", "))),
                }
            }
        }
    };
}

one_of!(EngineKind { Local = "local", Remote = "remote" });

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    pub embedder: String,
    pub generator: String,
    pub engine: EngineKind,
    pub remote_url: String,
    pub remote_model: String,
    pub remote_key: Secret,
    pub threads: usize,
    pub context_tokens: u32,
    pub seed: u32,
}

one_of!(StoreMode { Embedded = "embedded", External = "external" });

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub mode: StoreMode,
    pub url: Secret,
    pub migrator_url: Secret,
    pub max_connections: u32,
    pub postgres: PathBuf,
    pub run_as: String,
}

one_of!(VectorsMode { Edge = "edge", Server = "server" });

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vectors {
    pub mode: VectorsMode,
    pub url: String,
    pub api_key: Secret,
    pub collection: String,
    pub open_shards: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub secret: Secret,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub log: String,
    pub format: String,
    pub metrics_listen: String,
}

impl Settings {
    /// The secret that services share, for a process that runs apart.
    ///
    /// # Errors
    /// Where none is set: such a process would answer to nobody, or to everybody.
    pub fn service_secret(&self) -> Result<&str, String> {
        if self.service.secret.0.is_empty() {
            return Err("service.secret is needed where services run apart: the same 32 random characters or more for every process (FUENTE__SERVICE__SECRET).".into());
        }
        Ok(&self.service.secret.0)
    }

    /// Where models, libraries and the Postgres programs are: the setting, else the user's cache.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        if !self.data.cache.as_os_str().is_empty() {
            return self.data.cache.clone();
        }
        cache_directory()
    }
}

/// The default cache directory. Root's own is /var/cache, because the unprivileged user that
/// Postgres runs as cannot enter root's home. `xtask` follows the same rule.
#[must_use]
pub fn cache_directory() -> PathBuf {
    if let Some(set) = crate::environment("FUENTE_CACHE") {
        return set.into();
    }
    let home = crate::environment("HOME").unwrap_or_else(|| "/".into());
    if home == "/root" {
        return "/var/cache/fuente".into();
    }
    match crate::environment("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache).join("fuente"),
        None => PathBuf::from(home).join(".cache/fuente"),
    }
}
