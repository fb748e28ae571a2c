//! What a server that was killed leaves for a while: backends that are about to notice, and, where the
//! first process of a container collects nobody, its own entry in the process table. A new server refuses
//! to start while its predecessor seems to be there.

use crate::embedded::unusable;
use fuente_contract::Result;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Backends look for their server at least every few seconds.
const DEPART: Duration = Duration::from_secs(15);

/// Waits until no process works in `cluster` any more, then takes away the note of a server that is
/// dead but was never collected. Only then: with a backend alive the note is what keeps two servers apart.
pub(crate) async fn clear(cluster: &Path) -> Result<()> {
    let note = cluster.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&note) else { return Ok(()) };
    let end = Instant::now() + DEPART;
    while inhabited(cluster) {
        if Instant::now() > end {
            // Postgres itself says best what holds it up.
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let pid = text.lines().next().unwrap_or_default();
    if is_dead_but_listed(pid) {
        fs::remove_file(&note).map_err(|error| unusable(&note, &error))?;
    }
    Ok(())
}

/// Whether a process has its working directory in `cluster`, as every process of a server has.
fn inhabited(cluster: &Path) -> bool {
    let Ok(cluster) = fs::canonicalize(cluster) else { return false };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.into_iter().any(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|place| place == cluster))
}

/// State Z (dead, not yet collected by its parent) in `/proc/PID/stat`, after the name in brackets.
fn is_dead_but_listed(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[tokio::test]
    async fn the_note_of_a_server_that_is_dead_but_listed_goes_and_no_other() {
        let cluster = tempfile::tempdir().unwrap();
        let note = cluster.path().join("postmaster.pid");
        let mut server = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        fs::write(&note, format!("{}\n", server.id())).unwrap();
        clear(cluster.path()).await.unwrap();
        assert!(note.exists(), "it lives");
        server.kill().unwrap();
        // Dead, and not collected before `wait` below.
        while !is_dead_but_listed(&server.id().to_string()) {
            tokio::task::yield_now().await;
        }
        let mut backend = Command::new("sleep").arg("1").current_dir(cluster.path()).spawn().unwrap();
        assert!(inhabited(cluster.path()));
        // Collects the backend when it ends, as a parent that lives on does.
        let collected = tokio::task::spawn_blocking(move || backend.wait().unwrap());
        clear(cluster.path()).await.unwrap();
        assert!(!note.exists() && collected.await.unwrap().success());
        server.wait().unwrap();
        fs::write(&note, "nonsense\n").unwrap();
        clear(cluster.path()).await.unwrap();
        assert!(note.exists(), "what is not understood is left to Postgres");
    }
}
