//! A Postgres of our own: made, started, watched and stopped by this process.
//!
//! One process supervises a data directory (a lock says which); others, such as the command line
//! beside a running server, find it running and connect. A server whose supervisor was killed is
//! taken over and stopped in order at the end.

use crate::open::{Login, StoreOptions};
use crate::programs::Programs;
use fuente_contract::{Error, Result};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Recovery after a crash replays the log: give it time.
const START: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(30);

/// The server while this process supervises it.
pub struct EmbeddedPostgres {
    child: Option<Child>,
    pid: Pid,
    _lock: Flock<File>,
}

/// How to connect, and the server where it is ours to stop.
pub(crate) struct Started {
    pub(crate) app: Login,
    pub(crate) migrator: Login,
    pub(crate) server: Option<EmbeddedPostgres>,
}

/// Passwords of the three roles, made at the first start and kept where only the owner reads.
#[derive(Serialize, Deserialize)]
struct Secrets {
    superuser: String,
    migrator: String,
    app: String,
}

impl EmbeddedPostgres {
    pub(crate) async fn start(options: &StoreOptions) -> Result<Started> {
        let home = std::path::absolute(&options.data_directory).map_err(Error::internal)?;
        fs::create_dir_all(&home).map_err(|error| unusable(&home, &error))?;
        let lock = lock(&home)?;
        let programs = Programs::find(options)?;
        let secrets = secrets(&home)?;
        let cluster = home.join("cluster");
        let (server, port) = match (lock, running(&cluster)) {
            (Some(lock), Some((pid, port))) => (Some(Self { child: None, pid, _lock: lock }), port),
            (Some(lock), None) => {
                initialise(&programs, &home, &cluster, &secrets).await?;
                let (child, port) = launch(&programs, &home, &cluster)?;
                let pid = Pid::from_raw(i32::try_from(child.id()).map_err(Error::internal)?);
                (Some(Self { child: Some(child), pid, _lock: lock }), port)
            }
            (None, Some((_, port))) => (None, port),
            (None, None) => {
                return Err(Error::unavailable(
                    format!(
                        "Another process is starting or stopping the database in {}. Try again in a moment.",
                        home.display()
                    ),
                    3,
                ));
            }
        };
        let mut server = server;
        let superuser = Login::at(port, "postgres", "postgres", &secrets.superuser);
        let connection = connect(&superuser, server.as_mut(), &home).await?;
        if server.is_some() {
            prepare(connection, &secrets).await?;
        }
        Ok(Started {
            app: Login::at(port, "fuente", "fuente_app", &secrets.app),
            migrator: Login::at(port, "fuente", "fuente_migrator", &secrets.migrator),
            server,
        })
    }

    /// Stops the server in order: running statements end, everything is on disk.
    ///
    /// # Errors
    /// Where it does not stop within half a minute.
    pub async fn stop(mut self) -> Result<()> {
        let _ = kill(self.pid, Signal::SIGINT);
        let end = Instant::now() + STOP;
        while self.alive() {
            if Instant::now() > end {
                return Err(Error::internal("Postgres did not stop within 30 seconds"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn alive(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => kill(self.pid, None).is_ok(),
        }
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if self.alive() {
            let _ = kill(self.pid, Signal::SIGINT);
            if let Some(child) = &mut self.child {
                let _ = child.wait();
            }
        }
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::internal(format!("{} cannot be used for the database: {error}", path.display()))
}

/// The supervisor's lock, or none where another process holds it.
fn lock(home: &Path) -> Result<Option<Flock<File>>> {
    let path = home.join("supervisor.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| unusable(&path, &error))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(Error::internal(error)),
    }
}

fn secrets(home: &Path) -> Result<Secrets> {
    let path = home.join("secrets.json");
    if let Ok(kept) = fs::read(&path) {
        return serde_json::from_slice(&kept).map_err(|error| Error::internal(format!("{}: {error}", path.display())));
    }
    let made = || hex::encode(rand::random::<[u8; 24]>());
    let secrets = Secrets { superuser: made(), migrator: made(), app: made() };
    let fresh = home.join("secrets.json.new");
    let _ = fs::remove_file(&fresh);
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(|error| unusable(&fresh, &error))?;
    file.write_all(&serde_json::to_vec(&secrets).map_err(Error::internal)?)
        .and_then(|()| file.sync_all())
        .map_err(|error| unusable(&fresh, &error))?;
    fs::rename(&fresh, &path).map_err(|error| unusable(&path, &error))?;
    Ok(secrets)
}

/// Pid and port of a server that runs on the cluster.
fn running(cluster: &Path) -> Option<(Pid, u16)> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid: i32 = lines.next()?.trim().parse().ok()?;
    let port = lines.nth(2)?.trim().parse().ok()?;
    // A pid may have been given to another program since: its command line tells.
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let ours = String::from_utf8_lossy(&command).contains(&*cluster.to_string_lossy());
    ours.then_some((Pid::from_raw(pid), port))
}

/// Makes the cluster beside its place and moves it there, so that an interrupted start leaves none.
async fn initialise(programs: &Programs, home: &Path, cluster: &Path, secrets: &Secrets) -> Result<()> {
    if cluster.join("PG_VERSION").is_file() {
        return Ok(());
    }
    let (fresh, password) = (home.join("cluster.new"), home.join("password.new"));
    let _ = fs::remove_dir_all(&fresh);
    let _ = fs::remove_file(&password);
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&password)
        .map_err(|error| unusable(&password, &error))?;
    file.write_all(secrets.superuser.as_bytes()).map_err(|error| unusable(&password, &error))?;
    fs::create_dir(&fresh).map_err(|error| unusable(&fresh, &error))?;
    programs.own(&fresh)?;
    programs.own(&password)?;
    let mut command = programs.command("initdb");
    command.arg("-D").arg(&fresh).args([
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--no-locale",
        "-E",
        "UTF8",
        "--no-instructions",
    ]);
    command.arg(format!("--pwfile={}", password.display()));
    let made = tokio::task::spawn_blocking(move || command.output()).await.map_err(Error::internal)?;
    let _ = fs::remove_file(&password);
    let output = made.map_err(|error| programs.refused(home, &error.to_string()))?;
    if !output.status.success() {
        return Err(programs.refused(home, &String::from_utf8_lossy(&output.stderr)));
    }
    fs::rename(&fresh, cluster).map_err(|error| unusable(cluster, &error))
}

fn launch(programs: &Programs, home: &Path, cluster: &Path) -> Result<(Child, u16)> {
    // Asked for and given back: the little race for the port ends in a clear error of Postgres.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|free| free.local_addr())
        .map_err(Error::internal)?
        .port();
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(home.join("postgres.log"))
        .map_err(|error| unusable(home, &error))?;
    let mut command: Command = programs.command("postgres");
    command.arg("-D").arg(cluster).arg("-p").arg(port.to_string());
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "shared_buffers=64MB",
        "max_connections=60",
        "max_wal_size=512MB",
        "log_min_messages=warning",
        "password_encryption=scram-sha-256",
    ] {
        command.args(["-c", setting]);
    }
    // Its own group: Ctrl-C on the terminal is for us, and we stop it in order.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let child = command.spawn().map_err(|error| programs.refused(home, &error.to_string()))?;
    Ok((child, port))
}

async fn connect(login: &Login, mut server: Option<&mut EmbeddedPostgres>, home: &Path) -> Result<PgConnection> {
    let end = Instant::now() + START;
    loop {
        match PgConnection::connect_with(&login.options).await {
            Ok(connection) => return Ok(connection),
            Err(error) => {
                let ended = server.as_mut().is_some_and(|server| !server.alive());
                if ended || Instant::now() > end {
                    let log = fs::read_to_string(home.join("postgres.log")).unwrap_or_default();
                    let tail: Vec<&str> = log.lines().rev().take(5).collect();
                    let tail: Vec<&str> = tail.into_iter().rev().collect();
                    return Err(Error::unavailable(
                        format!(
                            "The embedded Postgres did not start; its log, {}, ends with: {}",
                            home.join("postgres.log").display(),
                            tail.join(" / ")
                        ),
                        5,
                    )
                    .because(error));
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// The roles and the database; each is made where it is missing.
async fn prepare(mut connection: PgConnection, secrets: &Secrets) -> Result<()> {
    for (role, password) in [("fuente_migrator", &secrets.migrator), ("fuente_app", &secrets.app)] {
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)")
            .bind(role)
            .fetch_one(&mut connection)
            .await
            .map_err(Error::internal)?;
        if !known {
            // Names are ours and passwords are hex: nothing here can be anything but itself.
            sqlx::query(AssertSqlSafe(format!("CREATE ROLE {role} LOGIN PASSWORD '{password}'")))
                .execute(&mut connection)
                .await
                .map_err(Error::internal)?;
        }
    }
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'fuente')")
        .fetch_one(&mut connection)
        .await
        .map_err(Error::internal)?;
    if !known {
        sqlx::query("CREATE DATABASE fuente OWNER fuente_migrator")
            .execute(&mut connection)
            .await
            .map_err(Error::internal)?;
    }
    connection.close().await.map_err(Error::internal)
}
