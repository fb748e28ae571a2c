//! A Postgres of our own: made, started, watched and stopped by the processes that use it.
//!
//! One process supervises a data directory (a lock says which); others, such as the command line
//! beside a running server, find it running and connect. See `watch` for what happens when the
//! server or its supervisor ends.

use crate::folder;
use crate::open::{Login, StoreOptions};
use crate::programs::Programs;
use crate::remains;
use crate::watch::{self, EmbeddedPostgres, Post};
use fuente_contract::{Error, Result};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Recovery after a crash replays the log: give it time.
const START: Duration = Duration::from_secs(120);

/// How to connect, and this process's part in keeping the server.
pub(crate) struct Started {
    pub(crate) app: Login,
    pub(crate) migrator: Login,
    pub(crate) server: EmbeddedPostgres,
}

/// Passwords of the three roles, made at the first start and kept where only the owner reads.
#[derive(Serialize, Deserialize)]
struct Secrets {
    superuser: String,
    migrator: String,
    app: String,
}

/// Starts the server, or joins those who use one that runs.
pub(crate) async fn start(options: &StoreOptions) -> Result<Started> {
    let home = std::path::absolute(&options.data_directory).map_err(Error::internal)?;
    // Postgres' own user passes through to its cluster, and sees nothing else.
    folder::private(&home, folder::PASSAGE)?;
    let programs = Programs::find(options)?;
    let end = Instant::now() + START;
    let using = loop {
        // Held alone only by somebody who is stopping the server.
        match watch::use_together(&home)? {
            Some(using) => break using,
            None => wait(&home, end).await?,
        }
    };
    loop {
        let cluster = home.join("cluster");
        match (watch::supervise(&home)?, watch::running(&cluster)) {
            (Some(lock), found) => {
                let secrets = secrets(&home)?;
                let (pid, port) = match found {
                    Some(found) => found,
                    None => {
                        remains::clear(&cluster).await?;
                        initialise(&programs, &home, &cluster, &secrets).await?;
                        let port = free_port(&home)?;
                        (launch(&programs, &home, port)?, port)
                    }
                };
                let post = Post::new(home.clone(), programs, port, using, Some((lock, pid)));
                let superuser = Login::at(port, "postgres", "postgres", &secrets.superuser);
                let ready = async {
                    let connection = connect(&superuser, &post, &home, end).await?;
                    prepare(connection, &secrets).await?;
                    keep_port(&home, port)
                };
                let ready = ready.await;
                // Made in any case: where the server is no use, dropping this stops it.
                let started = started(post, port, &secrets);
                return ready.map(|()| started);
            }
            (None, Some((_, port))) => {
                let secrets = secrets(&home)?;
                let migrator = Login::at(port, "fuente", "fuente_migrator", &secrets.migrator);
                // Until the supervisor has made the roles and the database, this is refused.
                if let Ok(connection) = PgConnection::connect_with(&migrator.options).await {
                    connection.close().await.map_err(Error::internal)?;
                    return Ok(started(Post::new(home, programs, port, using, None), port, &secrets));
                }
            }
            (None, None) => {}
        }
        wait(&home, end).await?;
    }
}

fn started(post: Post, port: u16, secrets: &Secrets) -> Started {
    Started {
        app: Login::at(port, "fuente", "fuente_app", &secrets.app),
        migrator: Login::at(port, "fuente", "fuente_migrator", &secrets.migrator),
        server: EmbeddedPostgres::watched(post),
    }
}

/// A moment, or an error where too many have passed.
async fn wait(home: &Path, end: Instant) -> Result<()> {
    if Instant::now() > end {
        return Err(Error::unavailable(
            format!(
                "Another process is starting or stopping the database in {}. Try again in a moment.",
                home.display()
            ),
            3,
        ));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(())
}

pub(crate) fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::internal(format!("{} cannot be used for the database: {error}", path.display()))
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

/// The port of the last start where it is free, so that whoever knows the address still finds it.
/// Asked for and given back: the little race for the port ends in a clear error of Postgres.
fn free_port(home: &Path) -> Result<u16> {
    let kept = fs::read_to_string(home.join("port")).ok().and_then(|port| port.trim().parse().ok()).unwrap_or(0);
    std::net::TcpListener::bind(("127.0.0.1", kept))
        .or_else(|_| std::net::TcpListener::bind(("127.0.0.1", 0)))
        .and_then(|free| free.local_addr())
        .map(|address| address.port())
        .map_err(Error::internal)
}

fn keep_port(home: &Path, port: u16) -> Result<()> {
    let (fresh, path) = (home.join("port.new"), home.join("port"));
    fs::write(&fresh, port.to_string())
        .and_then(|()| fs::rename(&fresh, &path))
        .map_err(|error| unusable(&path, &error))
}

pub(crate) fn launch(programs: &Programs, home: &Path, port: u16) -> Result<Pid> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(home.join("postgres.log"))
        .map_err(|error| unusable(home, &error))?;
    let mut command: Command = programs.command("postgres");
    command.arg("-D").arg(home.join("cluster")).arg("-p").arg(port.to_string());
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
    Ok(Pid::from_raw(i32::try_from(child.id()).map_err(Error::internal)?))
}

async fn connect(login: &Login, post: &Post, home: &Path, end: Instant) -> Result<PgConnection> {
    loop {
        match PgConnection::connect_with(&login.options).await {
            Ok(connection) => return Ok(connection),
            Err(error) => {
                if !post.alive() || Instant::now() > end {
                    return Err(Error::unavailable(
                        format!(
                            "The embedded Postgres did not start; its log, {}, ends with: {}",
                            home.join("postgres.log").display(),
                            last_words(home)
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

/// The end of the server's log.
pub(crate) fn last_words(home: &Path) -> String {
    let log = fs::read_to_string(home.join("postgres.log")).unwrap_or_default();
    let tail: Vec<&str> = log.lines().rev().take(5).collect();
    tail.into_iter().rev().collect::<Vec<_>>().join(" / ")
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
