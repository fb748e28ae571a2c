//! The engine thread: owns the context and works on its slots in turns. Each turn is one batch:
//! a token for every answer that is being written, and as much of the waiting prompts as fits.

use super::sample::Chooser;
use super::slot::{Run, Slot};
use super::text::OutputText;
use crate::busy::Answering;
use crate::error::ModelError;
use crate::generate::{Finish, GenerateEvent};
use crate::queue::{CloseOnExit, Queue};
use fuente_contract::TenantId;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc;

/// Prompt tokens of one batch: the longest time that a cancel, or another conversation, waits.
/// Also the grid on which prompts are cut: the same chunks give the same numbers to the last bit,
/// so an answer does not depend on what was reused. Measured with 0.5B on two cores: 64 reads 5 %
/// slower than 256, and 32 a quarter slower.
pub(super) const CHUNK: usize = 64;
/// Conversations at a time. More than one shares the same loop and the same cells.
const SLOTS: usize = 1;

/// llama.cpp changes the model while it makes a context, so two are never made at the same time.
static OPENING: Mutex<()> = Mutex::new(());

/// One request, ready to run.
pub(super) struct Job {
    pub(super) tenant: TenantId,
    pub(super) prompt: Vec<LlamaToken>,
    pub(super) sampler: Chooser,
    pub(super) text: OutputText,
    pub(super) max_tokens: u32,
    pub(super) events: mpsc::UnboundedSender<Result<GenerateEvent, ModelError>>,
}

/// What the thread needs to begin.
pub(super) struct Start {
    pub(super) backend: &'static LlamaBackend,
    pub(super) model: Arc<LlamaModel>,
    pub(super) queue: Arc<Queue<Job, 1>>,
    pub(super) pace: Arc<AtomicU32>,
    pub(super) threads: usize,
    pub(super) context_tokens: u32,
}

impl Start {
    /// Opens the context, says how large it is, and works until the queue closes.
    pub(super) fn run(self, ready: SyncSender<Result<u32, ModelError>>) {
        let _closing = CloseOnExit(&self.queue);
        let opened = {
            let _alone = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
            self.model.new_context(self.backend, self.parameters())
        };
        let context = match opened {
            Ok(context) => context,
            Err(error) => {
                let _ =
                    ready.send(Err(ModelError::failed("the engine cannot open a context (too little memory?)", error)));
                return;
            }
        };
        let cells = context.n_ctx();
        let _ = ready.send(Ok(cells));
        let mut engine = Engine {
            context,
            model: &self.model,
            queue: &self.queue,
            pace: &self.pace,
            batch: LlamaBatch::new(CHUNK + SLOTS, 1),
            slots: (0..).take(SLOTS).map(Slot::new).collect(),
            waiting: None,
            cells: cells as usize,
            answering: None,
        };
        while engine.admit() {
            engine.turn();
        }
        engine.stop();
    }

    fn parameters(&self) -> LlamaContextParams {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = i32::try_from(if self.threads == 0 { cores } else { self.threads }).unwrap_or(1);
        let batch = u32::try_from(CHUNK + SLOTS).unwrap_or(1);
        let slots = u32::try_from(SLOTS).unwrap_or(1);
        LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(self.context_tokens.min(self.model.n_ctx_train())))
            .with_n_batch(batch)
            .with_n_ubatch(batch)
            .with_n_seq_max(slots)
            // One pool of cells for all slots, so that a beginning can be shared without a copy.
            .with_kv_unified(true)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_no_perf(true)
    }
}

struct Engine<'e> {
    context: LlamaContext<'e>,
    model: &'e LlamaModel,
    queue: &'e Queue<Job, 1>,
    pace: &'e AtomicU32,
    batch: LlamaBatch<'static>,
    slots: Vec<Slot>,
    /// Taken from the queue, but the cells it needs are still in use.
    waiting: Option<Job>,
    cells: usize,
    /// Present while there is work.
    answering: Option<Answering>,
}

impl Engine<'_> {
    /// Fills free slots from the queue; waits for work where there is none. False at the end.
    fn admit(&mut self) -> bool {
        while let Some(free) = self.slots.iter().position(|slot| slot.run.is_none()) {
            let idle = self.slots.iter().all(|slot| slot.run.is_none());
            let job = match self.waiting.take() {
                Some(job) => Some(job),
                None if idle => {
                    self.answering = None;
                    let Some((_, job)) = self.queue.next() else { return false };
                    self.answering = Some(Answering::begin());
                    Some(job)
                }
                None => self.queue.try_next().map(|(_, job)| job),
            };
            let Some(job) = job else { break };
            if !self.place(job, free) {
                break;
            }
        }
        !self.queue.closed()
    }

    /// Gives the job the free slot that knows most of its prompt. False where it has to wait.
    fn place(&mut self, job: Job, free: usize) -> bool {
        let known = |slot: &Slot| slot.shared(job.tenant, &job.prompt);
        let best = (0..self.slots.len())
            .filter(|&at| self.slots[at].run.is_none())
            .max_by_key(|&at| (known(&self.slots[at]), std::cmp::Reverse(self.slots[at].used)))
            .unwrap_or(free);
        let reused = known(&self.slots[best]);
        let needed = job.prompt.len() + job.max_tokens as usize;
        if !self.make_room(needed, best) {
            self.waiting = Some(job);
            return false;
        }
        let reused = self.cut(best, reused);
        self.slots[best].begin(job, reused);
        true
    }

    /// Gives up idle caches, the oldest first, until `needed` cells are free beside slot `kept`.
    fn make_room(&mut self, needed: usize, kept: usize) -> bool {
        loop {
            let others = self.slots.iter().enumerate().filter(|(at, _)| *at != kept);
            if others.map(|(_, slot)| slot.reserved()).sum::<usize>() + needed <= self.cells {
                return true;
            }
            let idle = (0..self.slots.len())
                .filter(|&at| at != kept && self.slots[at].run.is_none() && !self.slots[at].cached.is_empty());
            let Some(oldest) = idle.min_by_key(|&at| self.slots[at].used) else { return false };
            self.cut(oldest, 0);
        }
    }

    /// Removes all but the first `kept` tokens from a slot's cache; returns how many stayed.
    fn cut(&mut self, at: usize, kept: usize) -> usize {
        let slot = &mut self.slots[at];
        let sequence = u32::try_from(slot.sequence).ok();
        let from = u32::try_from(kept).ok();
        // Some architectures cannot forget a part; then all of it goes.
        let part = kept > 0 && matches!(self.context.clear_kv_cache_seq(sequence, from, None), Ok(true));
        if part {
            slot.cached.truncate(kept);
            return kept;
        }
        let _ = self.context.clear_kv_cache_seq(sequence, None, None);
        slot.cached.clear();
        slot.tenant = None;
        0
    }

    /// One batch over all slots.
    fn turn(&mut self) {
        for at in 0..self.slots.len() {
            // Looked at between any two batches: this is what makes a cancel quick.
            if self.slots[at].run.as_ref().is_some_and(Run::abandoned) {
                self.release(at);
            }
        }
        let outputs = match self.fill() {
            Ok(outputs) if self.batch.n_tokens() > 0 => outputs,
            Ok(_) => return,
            Err(error) => return self.fail(&ModelError::failed("a batch cannot be filled", error)),
        };
        if let Err(error) = self.context.decode(&mut self.batch) {
            return self.fail(&ModelError::failed("llama.cpp cannot decode", error));
        }
        for (at, index) in outputs {
            self.advance(at, index);
        }
    }

    /// Puts tokens into the batch: answers first, so that no prompt holds them up. Returns the
    /// slots that get a new token from it, with the place of their scores.
    fn fill(&mut self) -> Result<Vec<(usize, i32)>, llama_cpp_2::llama_batch::BatchAddError> {
        self.batch.clear();
        let mut outputs = Vec::new();
        for (at, slot) in self.slots.iter_mut().enumerate() {
            let Some(last) = slot.run.as_mut().and_then(|run| run.last.take()) else { continue };
            outputs.push((at, self.batch.n_tokens()));
            self.batch.add(last, position(slot.cached.len()), &[slot.sequence], true)?;
            slot.cached.push(last);
        }
        let mut room = CHUNK;
        for (at, slot) in self.slots.iter_mut().enumerate() {
            let Some(run) = &slot.run else { continue };
            let chunk = CHUNK - slot.cached.len() % CHUNK;
            let tokens = run.prompt.iter().skip(slot.cached.len()).take(chunk.min(room));
            for token in tokens {
                let ends = slot.cached.len() + 1 == run.prompt.len();
                if ends {
                    outputs.push((at, self.batch.n_tokens()));
                }
                self.batch.add(*token, position(slot.cached.len()), &[slot.sequence], ends)?;
                slot.cached.push(*token);
                room -= 1;
            }
        }
        Ok(outputs)
    }

    /// Chooses the slot's next token from the scores at `index`, and sends what it says.
    fn advance(&mut self, at: usize, index: i32) {
        let Some(run) = self.slots[at].run.as_mut() else { return };
        run.read.get_or_insert_with(Instant::now);
        if run.sampler.told(&self.context, index) {
            return self.finish(at, Finish::Stop);
        }
        let token = run.sampler.choose(&self.context, index);
        let vocab = self.model.vocab();
        if vocab.is_eog(token) {
            return self.finish(at, Finish::Stop);
        }
        run.produced += 1;
        let (text, stopped) = run.text.push(&vocab.token_to_piece(token, false, None));
        run.say(text);
        if stopped {
            self.finish(at, Finish::Stop);
        } else if run.produced >= run.max_tokens {
            self.finish(at, Finish::Length);
        } else {
            run.last = Some(token);
        }
    }

    /// Ends the slot's run, and keeps of its cache what a later prompt may build on: the whole
    /// chunks of the prompt. The answer was decoded word by word, which gives other last bits.
    fn release(&mut self, at: usize) -> Option<Run> {
        let slot = &mut self.slots[at];
        let run = slot.run.take()?;
        slot.used = Instant::now();
        let read = slot.cached.len().min(run.prompt.len());
        self.cut(at, read - read % CHUNK);
        Some(run)
    }

    fn finish(&mut self, at: usize, finish: Finish) {
        let Some(mut run) = self.release(at) else { return };
        let rest = run.text.finish();
        run.say(rest);
        let count = |tokens: usize| u32::try_from(tokens).unwrap_or(u32::MAX);
        let (prompt, reused) = (count(run.prompt.len()), count(run.reused));
        let _ = run.events.send(Ok(GenerateEvent::Done {
            finish,
            prompt_tokens: prompt,
            reused_tokens: reused,
            answer_tokens: run.produced,
        }));
        let took = u32::try_from(run.began.elapsed().as_millis()).unwrap_or(u32::MAX);
        let pace = self.pace.load(Ordering::Relaxed);
        self.pace.store(if pace == 0 { took } else { pace / 4 * 3 + took / 4 }, Ordering::Relaxed);
        let reading = run.read.map_or(0, |read| (read - run.began).as_millis());
        tracing::debug!(prompt, reused, answer = run.produced, reading_ms = %reading, total_ms = took, "generated");
    }

    /// A batch that fails leaves every cache in doubt: all that was under way ends, all is forgotten.
    fn fail(&mut self, error: &ModelError) {
        tracing::error!(%error, "the engine failed; what was under way is given up");
        for slot in &mut self.slots {
            if let Some(run) = slot.run.take() {
                let _ = run.events.send(Err(error.clone()));
            }
            slot.cached.clear();
            slot.tenant = None;
        }
        self.context.clear_kv_cache();
    }

    /// The end of the thread: whoever still listens is told.
    fn stop(&mut self) {
        for at in 0..self.slots.len() {
            self.finish(at, Finish::Cancelled);
        }
    }
}

/// A place in a sequence, as llama.cpp counts it. The context is far smaller than `i32::MAX`.
fn position(tokens: usize) -> i32 {
    i32::try_from(tokens).unwrap_or(i32::MAX)
}
