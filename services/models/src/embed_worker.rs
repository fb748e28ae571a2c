//! The owner thread of the embedding session: one small batch at a time, queries first.

use crate::busy;
use crate::error::ModelError;
use crate::queue::{CloseOnExit, Queue, Waiting};
use fastembed::TextEmbedding;
use std::time::Instant;
use tokio::sync::oneshot;

/// Lane of the work that a person waits for.
pub(crate) const QUERY: usize = 0;
/// Lane of the work that runs in the background.
pub(crate) const BULK: usize = 1;

pub(crate) type Lanes = Queue<Work, 2>;

/// Texts of one caller, already planned into batches.
pub(crate) struct Work {
    pub(crate) texts: Vec<String>,
    /// Batches still to do, as indices into `texts`; the next one last.
    pub(crate) batches: Vec<Vec<usize>>,
    /// Vectors found so far, in the order of `texts`.
    pub(crate) vectors: Vec<Vec<f32>>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Vec<f32>>, ModelError>>,
}

impl Waiting for Work {
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }
}

/// Serves the lanes until they close. Between two batches a query may overtake.
pub(crate) fn serve(mut session: TextEmbedding, lanes: &Lanes) {
    let _closing = CloseOnExit(lanes);
    let mut bulk = Instant::now();
    while let Some((lane, mut work)) = lanes.next() {
        if lane == BULK {
            if busy::answering() && bulk.elapsed() < busy::PATIENCE {
                lanes.put_back(lane, work);
                lanes.pause(busy::LOOK);
                continue;
            }
            bulk = Instant::now();
        }
        match step(&mut session, &mut work) {
            Ok(()) if work.batches.is_empty() => {
                let _ = work.reply.send(Ok(work.vectors));
            }
            Ok(()) => lanes.put_back(lane, work),
            Err(error) => {
                let _ = work.reply.send(Err(error));
            }
        }
    }
}

fn step(session: &mut TextEmbedding, work: &mut Work) -> Result<(), ModelError> {
    let Some(batch) = work.batches.pop() else { return Ok(()) };
    let texts: Vec<&str> = batch.iter().map(|&index| work.texts[index].as_str()).collect();
    let vectors =
        session.embed(&texts, Some(texts.len())).map_err(|error| ModelError::failed("embedding failed", error))?;
    if vectors.len() != batch.len() {
        return Err(ModelError::Failed(format!("{} vectors came back for {} texts", vectors.len(), batch.len())));
    }
    for (index, vector) in batch.into_iter().zip(vectors) {
        work.vectors[index] = vector;
    }
    Ok(())
}
