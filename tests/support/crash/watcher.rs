//! An eye on the jobs of a Fuente that may be dying.

use super::LONG;
use crate::app::eventually;
use crate::people::Person;
use reqwest::Method;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Looks at jobs while the process may be dying.
pub(super) struct Watcher(pub(super) Person);

impl Watcher {
    async fn open_jobs(&self) -> Option<Vec<Value>> {
        let reply = self.0.request(Method::GET, "/v1/admin/jobs?limit=50").send().await.ok()?;
        let page: Value = reply.json().await.ok()?;
        let open = |job: &&Value| job["state"] == "queued" || job["state"] == "running";
        Some(page["items"].as_array()?.iter().filter(open).cloned().collect())
    }

    /// Returns when a job is at `step` (or, for the two that are none, after `wait`); false where none
    /// came there in time.
    pub(super) async fn reaches(&self, step: &str, wait: Duration) -> bool {
        if step == "upload" || step == "random" {
            tokio::time::sleep(if step == "upload" { wait / 50 } else { wait }).await;
            return true;
        }
        let end = Instant::now() + super::PATIENCE;
        while Instant::now() < end {
            let jobs = self.open_jobs().await.unwrap_or_default();
            if jobs.iter().any(|job| job["state"] == "running" && job["stage"] == step) {
                return true;
            }
        }
        false
    }

    /// When every job that was left open has ended.
    pub(super) async fn settled(&self) -> Instant {
        eventually(LONG, "the end of the jobs that were in hand", || async {
            self.open_jobs().await.filter(Vec::is_empty).map(|_| Instant::now())
        })
        .await
    }
}
