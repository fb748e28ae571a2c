//! Keeping the server of our own alive for all who use it.
//!
//! Two locks in its folder, both gone with the process that holds them, however it ends:
//! `used.lock` is shared by every process that has the store open, and whoever gets it alone was
//! the last and stops the server; `supervisor.lock` is held by the one that starts the server
//! again, on the same port, when it dies. When the supervisor ends, another user takes over.

use crate::embedded::{last_words, launch, unusable};
use crate::programs::Programs;
use fuente_contract::{Error, Result};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const STOP: Duration = Duration::from_secs(30);
/// How often the server is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// A server that dies at once is started again ever more slowly, up to this.
const SLOWEST: Duration = Duration::from_secs(10);
/// A server that lived so long was well; the next death counts as the first.
const WELL: Duration = Duration::from_secs(60);

/// This process's part in keeping the server: it watches until it is stopped or dropped.
pub struct EmbeddedPostgres {
    post: Arc<Mutex<Option<Post>>>,
    watch: tokio::task::JoinHandle<()>,
}

/// The locks and what they are about.
pub(crate) struct Post {
    home: PathBuf,
    programs: Programs,
    port: u16,
    using: Flock<File>,
    /// The supervisor's lock and the server, where this process supervises.
    supervises: Option<(Flock<File>, Pid)>,
    deaths: u32,
    launched: Instant,
}

impl EmbeddedPostgres {
    pub(crate) fn watched(post: Post) -> Self {
        let post = Arc::new(Mutex::new(Some(post)));
        let watched = post.clone();
        let watch = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                match &mut *watched.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(post) => post.look(),
                    None => return,
                }
            }
        });
        Self { post, watch }
    }

    /// Whether this process is the one that starts the server again when it dies.
    #[must_use]
    pub fn supervises(&self) -> bool {
        let post = self.post.lock().unwrap_or_else(PoisonError::into_inner);
        post.as_ref().is_some_and(|post| post.supervises.is_some())
    }

    /// Leaves the server to the others who use it, or stops it in order where there are none:
    /// running statements end, everything is on disk.
    ///
    /// # Errors
    /// Where it does not stop within half a minute.
    pub async fn stop(self) -> Result<()> {
        let Some((_alone, pid, cluster)) = self.leave() else { return Ok(()) };
        let _ = kill(pid, Signal::SIGINT);
        let end = Instant::now() + STOP;
        while lives(pid, &cluster) {
            if Instant::now() > end {
                return Err(Error::internal("Postgres did not stop within 30 seconds"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Gives up the locks. Where nobody else uses the server: the lock of its last user, and it.
    fn leave(&self) -> Option<(Flock<File>, Pid, PathBuf)> {
        self.watch.abort();
        let post = self.post.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        post.leave()
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        let Some((_alone, pid, cluster)) = self.leave() else { return };
        let _ = kill(pid, Signal::SIGINT);
        let end = Instant::now() + STOP;
        while lives(pid, &cluster) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Post {
    pub(crate) fn new(
        home: PathBuf,
        programs: Programs,
        port: u16,
        using: Flock<File>,
        supervises: Option<(Flock<File>, Pid)>,
    ) -> Self {
        Self { home, programs, port, using, supervises, deaths: 0, launched: Instant::now() }
    }

    pub(crate) fn alive(&self) -> bool {
        self.supervises.as_ref().is_some_and(|(_, pid)| lives(*pid, &self.home.join("cluster")))
    }

    /// Takes over from a supervisor that has gone, and starts a server again that has died.
    fn look(&mut self) {
        let cluster = self.home.join("cluster");
        if self.supervises.is_none() {
            match supervise(&self.home) {
                // Nothing runs: a pid that is nobody's is dead, which the next lines see.
                Ok(Some(lock)) => {
                    let pid = running(&cluster).map_or(Pid::from_raw(i32::MAX), |(pid, _)| pid);
                    tracing::info!("this process supervises the database from now on");
                    self.supervises = Some((lock, pid));
                }
                Ok(None) => return,
                Err(error) => return tracing::warn!(%error, "the database's lock cannot be looked at"),
            }
        }
        if self.alive() {
            return;
        }
        if self.launched.elapsed() > WELL {
            self.deaths = 0;
        }
        let pause = LOOK.saturating_mul(1 << self.deaths.min(10)).min(SLOWEST);
        if self.deaths > 0 && self.launched.elapsed() < pause {
            return;
        }
        self.deaths += 1;
        self.launched = Instant::now();
        tracing::error!(
            deaths = self.deaths,
            log = last_words(&self.home),
            "the database has died; it is started again"
        );
        match launch(&self.programs, &self.home, self.port) {
            Ok(pid) => {
                if let Some((_, server)) = &mut self.supervises {
                    *server = pid;
                }
            }
            Err(error) => tracing::error!(%error, "the database cannot be started again"),
        }
    }

    fn leave(self) -> Option<(Flock<File>, Pid, PathBuf)> {
        let cluster = self.home.join("cluster");
        let ours = self.supervises.map(|(lock, pid)| {
            drop(lock);
            pid
        });
        drop(self.using);
        // Anybody else who uses the server holds their part of the lock: then it is left to them.
        let alone = lock(&self.home, "used.lock", FlockArg::LockExclusiveNonblock).ok().flatten()?;
        let pid = ours.filter(|pid| lives(*pid, &cluster)).or_else(|| running(&cluster).map(|(pid, _)| pid))?;
        Some((alone, pid, cluster))
    }
}

/// The lock that says "in use", or none while the last user stops the server.
pub(crate) fn use_together(home: &Path) -> Result<Option<Flock<File>>> {
    lock(home, "used.lock", FlockArg::LockSharedNonblock)
}

/// The supervisor's lock, or none where another process holds it.
pub(crate) fn supervise(home: &Path) -> Result<Option<Flock<File>>> {
    lock(home, "supervisor.lock", FlockArg::LockExclusiveNonblock)
}

fn lock(home: &Path, name: &str, how: FlockArg) -> Result<Option<Flock<File>>> {
    let path = home.join(name);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| unusable(&path, &error))?;
    match Flock::lock(file, how) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, error)) => Err(Error::internal(error)),
    }
}

/// Pid and port of a server that runs on the cluster.
pub(crate) fn running(cluster: &Path) -> Option<(Pid, u16)> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = Pid::from_raw(lines.next()?.trim().parse().ok()?);
    let port = lines.nth(2)?.trim().parse().ok()?;
    lives(pid, cluster).then_some((pid, port))
}

/// Whether the server with this pid works on the cluster. One that ended as a child of ours is
/// taken off the list of processes, else Postgres would take its shadow for a server.
fn lives(pid: Pid, cluster: &Path) -> bool {
    // A pid may have been given to another program since: its command line tells.
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if String::from_utf8_lossy(&command).contains(&*cluster.to_string_lossy()) {
        return true;
    }
    // What has ended has no command line any more.
    if command.is_empty() {
        let ended = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        return matches!(ended, Ok(WaitStatus::StillAlive));
    }
    false
}
