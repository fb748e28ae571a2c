//! One sequence of the context: what is in its cache, for whom, and what it is working on.

use super::engine::{CHUNK, Job};
use super::sample::Chooser;
use super::text::OutputText;
use crate::generate::GenerateEvent;
use fuente_contract::TenantId;
use llama_cpp_2::token::LlamaToken;
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// A sequence, busy or idle. An idle one keeps its cache for the next prompt that begins alike.
pub(super) struct Slot {
    pub(super) sequence: i32,
    /// Whose words the cache holds; nobody else's prompt may build on them.
    pub(super) tenant: Option<TenantId>,
    /// The tokens in the cache, in order. Of an idle slot: whole chunks of a prompt.
    pub(super) cached: Vec<LlamaToken>,
    pub(super) run: Option<Run>,
    /// When it last worked: the longest idle cache is given up first.
    pub(super) used: Instant,
}

/// A prompt being read, then an answer being written.
pub(super) struct Run {
    pub(super) prompt: Vec<LlamaToken>,
    /// Prompt tokens found in the cache.
    pub(super) reused: usize,
    /// The token to decode next, once the prompt is through.
    pub(super) last: Option<LlamaToken>,
    pub(super) produced: u32,
    pub(super) max_tokens: u32,
    pub(super) sampler: Chooser,
    pub(super) text: OutputText,
    pub(super) events: UnboundedSender<Result<GenerateEvent, crate::ModelError>>,
    pub(super) began: Instant,
    pub(super) read: Option<Instant>,
}

impl Slot {
    pub(super) fn new(sequence: i32) -> Self {
        Self { sequence, tenant: None, cached: Vec::new(), run: None, used: Instant::now() }
    }

    /// Prompt tokens that this slot's cache already holds for this tenant, in whole chunks. The
    /// last token of a prompt is always decoded again, because its scores choose the first word.
    pub(super) fn shared(&self, tenant: TenantId, prompt: &[LlamaToken]) -> usize {
        if self.tenant != Some(tenant) {
            return 0;
        }
        let alike = self.cached.iter().zip(prompt).take_while(|(cached, wanted)| cached == wanted).count();
        let alike = alike.min(prompt.len().saturating_sub(1));
        alike - alike % CHUNK
    }

    /// Most cells that the slot may come to fill.
    pub(super) fn reserved(&self) -> usize {
        self.run.as_ref().map_or(self.cached.len(), |run| run.prompt.len() + run.max_tokens as usize)
    }

    /// Takes a job whose first `reused` tokens are in the cache (which was cut to them).
    pub(super) fn begin(&mut self, job: Job, reused: usize) {
        self.tenant = Some(job.tenant);
        self.cached.truncate(reused);
        self.used = Instant::now();
        self.run = Some(Run {
            prompt: job.prompt,
            reused,
            last: None,
            produced: 0,
            max_tokens: job.max_tokens,
            sampler: job.sampler,
            text: job.text,
            events: job.events,
            began: Instant::now(),
            read: None,
        });
    }
}

impl Run {
    /// A caller that went away is found out here; the engine looks after every batch.
    pub(super) fn abandoned(&self) -> bool {
        self.events.is_closed()
    }

    /// Sends text, where there is any.
    pub(super) fn say(&self, text: String) {
        if !text.is_empty() {
            let _ = self.events.send(Ok(GenerateEvent::Token(text)));
        }
    }
}
