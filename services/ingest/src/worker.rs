//! Workers: claim a job, keep its lease alive, run its stages, record how it ended.

use crate::identity;
use crate::meter::{self, End};
use crate::pipeline::{Pipeline, Stop};
use fuente_contract::{Error, ErrorCode, SystemScope};
use fuente_store::jobs::{self, Claim, QueueRules};
use fuente_store::{Store, leases};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A quarter of the lease (60 s): one lost beat is not a lost job.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often an idle worker looks for jobs that another process accepted.
const LOOK: Duration = Duration::from_secs(1);

/// Takes back the leases of this machine's processes that are gone. Where it fails they run out.
pub(crate) async fn take_back(system: &SystemScope, store: &Store) {
    let taken = async {
        let held = leases::held(system, store).await?;
        let mut taken = 0;
        for lease in held.iter().filter(|lease| identity::is_gone(&lease.worker)) {
            taken += u64::from(leases::take_back(system, store, lease).await?);
        }
        Ok::<u64, fuente_contract::Error>(taken)
    };
    match taken.await {
        Ok(0) => {}
        Ok(jobs) => tracing::info!(jobs, "jobs of a process that is gone are taken up again"),
        Err(error) => tracing::warn!(%error, "leases of processes that are gone could not be looked for"),
    }
}

/// One worker; several may run side by side.
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) pipeline: Pipeline,
    pub(crate) rules: QueueRules,
    pub(crate) wake: Arc<Notify>,
    pub(crate) stop: CancellationToken,
}

impl Worker {
    /// Works until told to stop. A job in hand is given up: its lease ends and another takes it.
    pub(crate) async fn run(self) {
        while !self.stop.is_cancelled() {
            match jobs::claim(&self.pipeline.system, &self.pipeline.store, &self.rules, &self.name).await {
                Ok(Some(claim)) => {
                    tokio::select! {
                        () = self.work(&claim) => {}
                        () = self.stop.cancelled() => self.give_back(&claim).await,
                    }
                }
                Ok(None) => self.idle().await,
                Err(error) => {
                    tracing::warn!(%error, "no job could be claimed");
                    self.idle().await;
                }
            }
        }
    }

    async fn idle(&self) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn work(&self, claim: &Claim) {
        let span = (claim.tenant, claim.document, claim.job);
        tracing::info!(tenant = %span.0, document = %span.1, job = %span.2, attempt = claim.attempt, "job started");
        let ended = tokio::select! {
            ended = self.pipeline.run(claim) => ended,
            () = self.beat(claim) => Err(Stop::Lost),
        };
        let done = ended.is_ok();
        self.record(claim, ended).await;
        if !done && let Err(error) = self.pipeline.clean_up(claim).await {
            // A delete sweeps once more after late writers, and late points replace none that answer.
            tracing::warn!(%error, job = %claim.job, "what a lost job wrote could not be put right");
        }
    }

    /// Returns when the job is no longer ours.
    async fn beat(&self, claim: &Claim) {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            match jobs::heartbeat(&self.pipeline.system, &self.pipeline.store, claim).await {
                Ok(true) => {}
                Ok(false) => return,
                // The lease outlives a few lost beats; the fence protects the rest.
                Err(error) => tracing::warn!(%error, job = %claim.job, "heartbeat failed"),
            }
        }
    }

    async fn record(&self, claim: &Claim, ended: Result<(), Stop>) {
        let (code, advice, retryable) = match ended {
            Ok(()) => {
                meter::ended(End::Done, "");
                tracing::info!(job = %claim.job, document = %claim.document, "job done");
                return;
            }
            Err(Stop::Lost) => {
                meter::ended(End::Lost, "");
                tracing::info!(job = %claim.job, "job given up: it was cancelled or another worker has it");
                return;
            }
            Err(Stop::Switched) => {
                meter::ended(End::Lost, "");
                tracing::info!(job = %claim.job, "job begins again: the embedding model changed");
                self.give_back(claim).await;
                return;
            }
            Err(Stop::Fault(error)) if is_away(&error) => {
                meter::ended(End::Failed, "waits");
                tracing::warn!(job = %claim.job, %error, "job waits");
                return self.postpone(claim).await;
            }
            Err(Stop::File(error)) => (error.code().to_owned(), error.advice(), error.is_transient()),
            Err(Stop::Fault(error)) => {
                tracing::warn!(job = %claim.job, %error, "job failed");
                (
                    "internal".to_owned(),
                    "It is tried again by itself. If it keeps failing, the log of the ingest service says why."
                        .to_owned(),
                    true,
                )
            }
        };
        meter::ended(if retryable { End::Failed } else { End::Refused }, &code);
        tracing::info!(job = %claim.job, code, "job ended without a result");
        let recorded = jobs::fail(&self.pipeline.system, &self.pipeline.store, claim, &code, &advice, retryable).await;
        if let Err(error) = recorded {
            // Nothing is lost: the lease runs out and the job is taken again.
            tracing::warn!(job = %claim.job, %error, "the failure could not be recorded");
        }
    }

    /// An outage costs a job none of its attempts: a backlog outlives a night without the vector server.
    async fn postpone(&self, claim: &Claim) {
        let advice = "A store or the embedding model is away, or a disk is full. It is tried again by itself; the log of the ingest service says what is missing.";
        let put_back = jobs::postpone(&self.pipeline.system, &self.pipeline.store, claim, "waits", advice).await;
        if let Err(error) = put_back {
            tracing::warn!(job = %claim.job, %error, "the lease could not be given back; it runs out by itself");
        }
    }

    async fn give_back(&self, claim: &Claim) {
        if let Err(error) = jobs::release(&self.pipeline.system, &self.pipeline.store, claim).await {
            tracing::warn!(job = %claim.job, %error, "the lease could not be given back; it runs out by itself");
        }
    }
}

/// Whether a fault is of something that comes back.
fn is_away(error: &Error) -> bool {
    matches!(error.code, ErrorCode::Unavailable | ErrorCode::InsufficientStorage)
}
