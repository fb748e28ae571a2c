//! Opening the store: start or reach Postgres, migrate as the owner, serve as a role that owns nothing.

use crate::db::Store;
use crate::embedded;
use crate::owner_check;
use crate::watch::EmbeddedPostgres;
use fuente_contract::{Error, Result};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Where Postgres is.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Start and supervise a Postgres of our own.
    pub embedded: bool,
    /// Its data.
    pub data_directory: PathBuf,
    /// Folder that holds `bin/`; looked for in the cache, then on the system, where absent.
    pub postgres: Option<PathBuf>,
    pub cache: PathBuf,
    /// User under whom it runs where Fuente runs as root.
    pub run_as: String,
    /// The role that serves, where Postgres is external.
    pub url: Option<String>,
    /// The owner, for migrations.
    pub migrator_url: Option<String>,
    pub max_connections: u32,
}

impl StoreOptions {
    /// A Postgres of our own, with its data below `data`.
    #[must_use]
    pub fn embedded(data: &Path, cache: PathBuf, run_as: &str, max_connections: u32) -> Self {
        Self {
            embedded: true,
            data_directory: data.join("postgres"),
            postgres: None,
            cache,
            run_as: run_as.to_owned(),
            url: None,
            migrator_url: None,
            max_connections,
        }
    }

    /// A Postgres elsewhere. An empty address is none.
    #[must_use]
    pub fn external(url: &str, migrator_url: &str, max_connections: u32) -> Self {
        let filled = |url: &str| (!url.is_empty()).then(|| url.to_owned());
        Self {
            embedded: false,
            data_directory: PathBuf::new(),
            postgres: None,
            cache: PathBuf::new(),
            run_as: String::new(),
            url: filled(url),
            migrator_url: filled(migrator_url),
            max_connections,
        }
    }
}

/// An open store, and this process's part in a server of our own, where there is one.
pub struct Opened {
    pub store: Store,
    pub postgres: Option<EmbeddedPostgres>,
}

impl Opened {
    /// Ends the connections, then the server of our own where nobody else uses it.
    ///
    /// # Errors
    /// Where the server does not stop cleanly.
    pub async fn close(self) -> Result<()> {
        self.store.close().await;
        match self.postgres {
            Some(postgres) => postgres.stop().await,
            None => Ok(()),
        }
    }
}

/// Opens the store.
///
/// # Errors
/// Says which part of Postgres is missing, refuses, or is set up too loosely, and what to do.
pub async fn open(options: &StoreOptions) -> Result<Opened> {
    let (app, migrator, postgres) = if options.embedded {
        let started = embedded::start(options).await?;
        (started.app, Some(started.migrator), Some(started.server))
    } else {
        let app = Login::of(options.url.as_deref().unwrap_or_default(), "store.url")?;
        let migrator = options.migrator_url.as_deref().map(|url| Login::of(url, "store.migrator_url")).transpose()?;
        (app, migrator, None)
    };
    let opened = serve(options, app, migrator).await;
    match opened {
        Ok(store) => Ok(Opened { store, postgres }),
        Err(error) => {
            if let Some(postgres) = postgres {
                let _ = postgres.stop().await;
            }
            Err(error)
        }
    }
}

/// Brings an external database up to date as its owner, and makes the serving role: a step of its
/// own, so that no process that serves needs the owner's password.
///
/// # Errors
/// Where an address is missing or refused, or a migration fails.
pub async fn migrate_only(options: &StoreOptions) -> Result<()> {
    let app = Login::of(options.url.as_deref().unwrap_or_default(), "store.url")?;
    let owner = Login::of(options.migrator_url.as_deref().unwrap_or_default(), "store.migrator_url")?;
    migrate(&owner, &app).await
}

async fn serve(options: &StoreOptions, app: Login, migrator: Option<Login>) -> Result<Store> {
    if let Some(migrator) = migrator {
        migrate(&migrator, &app).await?;
    }
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(app.options)
        .await
        .map_err(|error| unreachable("store.url", &error))?;
    owner_check::refuse_power(&pool).await?;
    Ok(Store::new(pool))
}

/// How a role connects.
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) options: PgConnectOptions,
}

impl Login {
    pub(crate) fn at(port: u16, database: &str, user: &str, password: &str) -> Self {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .database(database)
            .username(user)
            .password(password);
        Self { user: user.to_owned(), password: password.to_owned(), options: options.disable_statement_logging() }
    }

    /// Reads an address such as postgres://user:password@host:5432/database.
    fn of(url: &str, setting: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| Error::invalid(format!("{setting} is not a Postgres address: {error}")))?;
        let login = url
            .split_once("://")
            .and_then(|(_, rest)| rest.rsplit_once('@'))
            .map(|(login, _)| login)
            .unwrap_or_default();
        let password = login.split_once(':').map(|(_, password)| decoded(password)).unwrap_or_default();
        Ok(Self { user: options.get_username().to_owned(), password, options: options.disable_statement_logging() })
    }
}

/// Percent-encoding undone; what is not an escape stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escape {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn unreachable(setting: &str, error: &sqlx::Error) -> Error {
    Error::unavailable(
        format!("Postgres cannot be reached with {setting}. Check the address, the password, and that it runs."),
        5,
    )
    .because(error)
}

/// Brings the schema up to date as its owner, and gives the serving role its rights.
async fn migrate(migrator: &Login, app: &Login) -> Result<()> {
    let mut owner = PgConnection::connect_with(&migrator.options)
        .await
        .map_err(|error| unreachable("store.migrator_url", &error))?;
    owner_check::ensure_role(&mut owner, app).await?;
    sqlx::migrate!("../../migrations")
        .run(&mut owner)
        .await
        .map_err(|error| Error::internal(format!("a migration failed: {error}")))?;
    owner.close().await.map_err(Error::internal)
}
