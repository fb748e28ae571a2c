//! What ingestion counts: how jobs end, how long their stages take, what was embedded; and, when
//! somebody asks, how long the queue is.

use fuente_contract::SystemScope;
use fuente_store::{Store, jobs};
use fuente_wire::metrics::Gauges;
use metrics::{counter, gauge, histogram};
use std::time::{Duration, Instant};

/// How an attempt ended.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Done,
    /// The file is at fault.
    Refused,
    /// Tried again, or dead after the last time.
    Failed,
    /// Cancelled, or another worker has it.
    Lost,
}

/// The end of an attempt; `reason` is a stable code, empty where there is none.
pub(crate) fn ended(end: End, reason: &str) {
    let end = match end {
        End::Done => "done",
        End::Refused => "refused",
        End::Failed => "failed",
        End::Lost => "lost",
    };
    counter!("fuente_ingest_jobs_total", "end" => end, "reason" => reason.to_owned()).increment(1);
}

/// Runs a stage and keeps its time, however it ends.
pub(crate) async fn timed<T>(stage: &'static str, work: impl Future<Output = T>) -> T {
    let clock = Instant::now();
    let ended = work.await;
    took(stage, clock.elapsed());
    ended
}

pub(crate) fn took(stage: &'static str, time: Duration) {
    histogram!("fuente_ingest_stage_seconds", "stage" => stage).record(time);
}

/// Passages that have their vectors, those the model did not have to read among them, and the
/// tokens of the passages that it read.
pub(crate) fn embedded(passages: usize, reused: usize, tokens: u64) {
    counter!("fuente_ingest_passages_total", "vectors" => "made").increment(passages.saturating_sub(reused) as u64);
    counter!("fuente_ingest_passages_total", "vectors" => "reused").increment(reused as u64);
    counter!("fuente_ingest_tokens_total").increment(tokens);
}

/// The queue, as it is when somebody asks. All tenants together: one alone would tell of it.
pub struct QueueGauges {
    pub system: SystemScope,
    pub store: Store,
}

#[async_trait::async_trait]
impl Gauges for QueueGauges {
    async fn refresh(&self) {
        // A queue that cannot be looked at has no length, rather than that of an hour ago.
        let depths = jobs::depths(&self.system, &self.store).await.map_err(|error| {
            tracing::warn!(%error, "the queue could not be measured");
        });
        for state in ["queued", "running", "dead"] {
            let (jobs, oldest) = match &depths {
                Ok(depths) => depths
                    .iter()
                    .find(|depth| depth.state == state)
                    .map_or((0.0, 0.0), |depth| (depth.jobs as f64, depth.oldest_seconds)),
                Err(()) => (f64::NAN, f64::NAN),
            };
            gauge!("fuente_queue_jobs", "state" => state).set(jobs);
            gauge!("fuente_queue_oldest_seconds", "state" => state).set(oldest);
        }
    }
}
