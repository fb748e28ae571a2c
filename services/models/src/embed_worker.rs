//! The owner thread of the embedding session: one small batch at a time, queries first.

use crate::busy;
use crate::error::ModelError;
use crate::parts::{self, Embedded};
use crate::queue::{CloseOnExit, Queue, Waiting};
use fastembed::{OutputKey, Pooling, TextEmbedding};
use std::ops::Range;
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
    /// Tokens of each text's parts.
    pub(crate) parts: Vec<Vec<Range<usize>>>,
    /// Batches still to do, as indices into `texts`; the next one last.
    pub(crate) batches: Vec<Vec<usize>>,
    /// Vectors found so far, in the order of `texts`.
    pub(crate) vectors: Vec<Embedded>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Embedded>, ModelError>>,
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

/// Where the model puts the vectors of its tokens.
const TOKENS: &[OutputKey] = &[OutputKey::OnlyOne, OutputKey::ByName("last_hidden_state")];

fn step(session: &mut TextEmbedding, work: &mut Work) -> Result<(), ModelError> {
    let Some(batch) = work.batches.pop() else { return Ok(()) };
    let failed = |error| ModelError::failed("embedding failed", error);
    let texts: Vec<&str> = batch.iter().map(|&index| work.texts[index].as_str()).collect();
    let mut raw = session.transform(&texts, Some(texts.len())).map_err(failed)?.into_raw();
    let (Some(output), true) = (raw.pop(), raw.is_empty()) else {
        return Err(ModelError::Failed("one batch came back as several".to_owned()));
    };
    let whole = output.select_and_pool_output(&TOKENS, Some(Pooling::Mean)).map_err(failed)?;
    let wanted: Vec<&[Range<usize>]> = batch.iter().map(|&index| work.parts[index].as_slice()).collect();
    let parts = parts::pool(&output, TOKENS, &wanted)?;
    if whole.nrows() != batch.len() || parts.len() != batch.len() {
        return Err(ModelError::Failed(format!("{} vectors came back for {} texts", whole.nrows(), batch.len())));
    }
    for ((index, row), parts) in batch.into_iter().zip(whole.rows()).zip(parts) {
        let whole: Vec<f32> = row.iter().copied().collect();
        work.vectors[index] = Embedded { whole: parts::unit(whole), parts };
    }
    Ok(())
}
