//! Whether an answer is being written: bulk embedding then takes short turns only. The two
//! would share the cores, and every step of generation waits for its slowest thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

static ANSWERS: AtomicUsize = AtomicUsize::new(0);

/// Longest pause of bulk work between two batches while answers are written, so that ingestion
/// goes on under constant load, at about a fifth of its speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);
/// How often bulk work looks again.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// Held by an engine while it has work.
pub(crate) struct Answering(());

impl Answering {
    pub(crate) fn begin() -> Self {
        ANSWERS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        ANSWERS.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) fn answering() -> bool {
    ANSWERS.load(Ordering::Relaxed) > 0
}
