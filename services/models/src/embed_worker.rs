//! The owner thread of the embedding session: one small batch at a time, queries first; and a second
//! session that takes bulk work out of their way.

use crate::busy;
use crate::error::ModelError;
use crate::parts::{self, Embedded};
use crate::queue::{CloseOnExit, Queue, Waiting};
use fastembed::{OutputKey, Pooling, TextEmbedding};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
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

/// What both owners of the lanes share.
pub(crate) struct Server {
    pub(crate) lanes: Arc<Lanes>,
    /// Opens one more session of the same model.
    pub(crate) open: Box<dyn Fn() -> Result<TextEmbedding, ModelError> + Send + Sync>,
    /// Whether the second owner has the bulk lane.
    aside: AtomicBool,
}

impl Server {
    pub(crate) fn new(
        lanes: Arc<Lanes>,
        open: impl Fn() -> Result<TextEmbedding, ModelError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { lanes, open: Box::new(open), aside: AtomicBool::new(false) })
    }
}

/// Serves the lanes until they close: queries first, and bulk work between them. Where people ask, bulk
/// work of some length is handed to a second session whose threads stand back: on shared cores a query
/// then takes about as long as on idle ones. What is short stays here, because a second session takes a
/// second to open and holds the model's memory once more.
pub(crate) fn serve(mut session: TextEmbedding, server: &Arc<Server>) {
    let lanes = &*server.lanes;
    let _closing = CloseOnExit(lanes);
    let mut bulk = Bulk::new();
    let mut second: Option<JoinHandle<bool>> = None;
    let mut able = true;
    let mut asked: Option<Instant> = None;
    while let Some((lane, work)) = lanes.next_where(|lane| lane == QUERY || !server.aside.load(Ordering::Acquire)) {
        if lane == QUERY {
            asked = Some(Instant::now());
            turn(&mut session, lanes, lane, work);
            continue;
        }
        if let Some(ended) = second.take_if(|second| second.is_finished()) {
            able = ended.join().unwrap_or(false);
        }
        let in_the_way = work.batches.len() > SHORT && asked.is_some_and(|at| at.elapsed() < LATELY);
        if in_the_way && able && second.is_none() {
            lanes.put_back(lane, work);
            second = hand_over(server);
            able = second.is_some();
        } else if bulk.turn() {
            turn(&mut session, lanes, lane, work);
        } else {
            lanes.put_back(lane, work);
            lanes.pause(busy::LOOK);
        }
    }
    // Joined, so that no native code still runs while the process ends.
    drop(second.map(JoinHandle::join));
}

/// Batches for which no second session is opened: a page or two, and perhaps somebody waits for them.
const SHORT: usize = 2;
/// How long after a question the next is reckoned with.
const LATELY: Duration = Duration::from_secs(600);

/// Gives the bulk lane to a second owner; none where no thread starts.
fn hand_over(server: &Arc<Server>) -> Option<JoinHandle<bool>> {
    let aside = Aside::take(Arc::clone(server));
    let spawned = std::thread::Builder::new().name("embedder-bulk".to_owned());
    spawned.spawn(move || serve_bulk(&aside)).ok()
}

/// How far the threads of bulk work stand back: a tenth of the share of the others where all have work.
const NICE: i32 = 10;
/// How long the second session is kept without work; it holds the model's memory once more.
const IDLE: Duration = Duration::from_secs(60);

/// Serves the bulk lane while there is work. False where it cannot be done on this machine.
fn serve_bulk(Aside(server): &Aside) -> bool {
    // The session's threads inherit it from the one that opens the session.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "bulk embedding runs at the priority of everything else");
    }
    let mut session = match (server.open)() {
        Ok(session) => session,
        Err(error) => {
            tracing::warn!(%error, "questions wait for bulk embedding: a second session does not open");
            return false;
        }
    };
    let mut bulk = Bulk::new();
    while let Some(work) = server.lanes.next_within(BULK, IDLE) {
        if bulk.turn() {
            turn(&mut session, &server.lanes, BULK, work);
        } else {
            server.lanes.put_back(BULK, work);
            std::thread::sleep(busy::LOOK);
        }
    }
    true
}

/// Held by whoever has the bulk lane beside the first owner; given back even by a panic.
struct Aside(Arc<Server>);

impl Aside {
    fn take(server: Arc<Server>) -> Self {
        server.aside.store(true, Ordering::Release);
        Self(server)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.0.aside.store(false, Ordering::Release);
        self.0.lanes.wake();
    }
}

/// When bulk work may take its next step.
struct Bulk(Instant);

impl Bulk {
    fn new() -> Self {
        Self(Instant::now())
    }

    /// Not while an answer is written, unless it has waited long.
    fn turn(&mut self) -> bool {
        if busy::answering() && self.0.elapsed() < busy::PATIENCE {
            return false;
        }
        self.0 = Instant::now();
        true
    }
}

/// One batch of `work`, which is then over or first in its lane again.
fn turn(session: &mut TextEmbedding, lanes: &Lanes, lane: usize, mut work: Work) {
    match step(session, &mut work) {
        Ok(()) if work.batches.is_empty() => {
            let _ = work.reply.send(Ok(work.vectors));
        }
        Ok(()) => lanes.put_back(lane, work),
        Err(error) => {
            let _ = work.reply.send(Err(error));
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
