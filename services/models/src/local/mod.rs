//! llama.cpp in this process: a handle that queues prompts for the one thread that owns the
//! model's context.

mod engine;
mod prompt;
mod sample;
mod slot;
mod text;

use crate::error::ModelError;
use crate::generate::{GenerateRequest, GenerateStream, Generator, ModelInfo, Shares, WeighRequest};
use crate::queue::{Queue, Refused, Waiting};
use crate::verify;
use engine::Job;
use fuente_contract::TenantId;
use futures_util::{FutureExt, StreamExt};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use prompt::Template;
use sample::Chooser;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnboundedReceiverStream;

/// Which model file to run, and how.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    pub file: PathBuf,
    /// Of the file; checked before it is loaded.
    pub sha256: String,
    pub name: String,
    /// 0 means all cores.
    pub threads: usize,
    pub context_tokens: u32,
    /// Requests that may wait; the next one is refused.
    pub queue: usize,
}

/// llama.cpp may be set up once in a process; every engine shares it.
static BACKEND: LazyLock<Result<LlamaBackend, String>> = LazyLock::new(|| {
    llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default());
    LlamaBackend::init().map_err(|error| error.to_string())
});

/// Verifies and loads a model file; takes seconds, so call it off the async threads.
///
/// # Errors
/// Where the file is missing, damaged, or not a model that llama.cpp can run.
pub fn local(options: &LocalOptions) -> Result<Arc<dyn Generator>, ModelError> {
    verify::file(&options.file, &options.sha256)?;
    let backend = BACKEND.as_ref().map_err(|error| ModelError::failed("llama.cpp does not start", error))?;
    let model = LlamaModel::load_from_file(backend, &options.file, &LlamaModelParams::default())
        .map_err(|error| ModelError::failed(&format!("{} does not load", options.file.display()), error))?;
    let template = Template::of(&model)?;
    let model = Arc::new(model);
    let queue = Arc::new(Queue::new(options.queue));
    let pace = Arc::new(AtomicU32::new(0));
    let (ready, opened) = std::sync::mpsc::sync_channel(1);
    let engine = engine::Start {
        backend,
        model: Arc::clone(&model),
        queue: Arc::clone(&queue),
        pace: Arc::clone(&pace),
        threads: options.threads,
        context_tokens: options.context_tokens,
    };
    let worker = std::thread::Builder::new()
        .name("generator".to_owned())
        .spawn(move || engine.run(ready))
        .map_err(|error| ModelError::failed("the engine's thread does not start", error))?;
    let context_tokens = opened.recv().map_err(|_| stopped())??;
    let info = ModelInfo { name: options.name.clone(), sha256: options.sha256.clone(), context_tokens };
    Ok(Arc::new(Local { model, template, queue, pace, info, worker: Some(worker) }))
}

struct Local {
    model: Arc<LlamaModel>,
    template: Template,
    queue: Arc<Queue<Job, 1>>,
    /// Milliseconds that a request takes lately, for Retry-After.
    pace: Arc<AtomicU32>,
    info: ModelInfo,
    worker: Option<JoinHandle<()>>,
}

#[async_trait::async_trait]
impl Generator for Local {
    async fn generate(&self, request: GenerateRequest) -> Result<GenerateStream, ModelError> {
        let prompt = self.template.tokens(&self.model, &request.messages, request.answer_prefix.as_deref())?;
        let sampler = Chooser::of(&self.model, &request)?;
        self.queue(request.tenant, prompt, sampler, request.max_tokens, request.stop)
    }

    async fn weigh(&self, request: WeighRequest) -> Result<Shares, ModelError> {
        let prompt = self.template.tokens(&self.model, &request.messages, None)?;
        let vocab = self.model.vocab();
        let first = |word: &String| vocab.tokenize(word.as_bytes(), false, false).first().copied();
        let choices = request.choices.iter().map(|spellings| spellings.iter().filter_map(first).collect()).collect();
        let (tell, told) = oneshot::channel();
        let sampler = Chooser::Shares { choices, tell: Some(tell) };
        let mut events = self.queue(request.tenant, prompt, sampler, 1, Vec::new())?;
        Ok(async move {
            while let Some(event) = events.next().await {
                event?;
            }
            told.await.map(Some).map_err(|_| stopped())
        }
        .boxed())
    }

    fn alive(&self) -> bool {
        !self.queue.closed()
    }

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.model.vocab().tokenize(text.as_bytes(), false, false).len()
    }
}

impl Local {
    fn queue(
        &self,
        tenant: TenantId,
        prompt: Vec<LlamaToken>,
        sampler: Chooser,
        max_tokens: u32,
        stop: Vec<String>,
    ) -> Result<GenerateStream, ModelError> {
        let most = self.info.context_tokens as usize;
        let tokens = prompt.len() + max_tokens as usize;
        if tokens > most {
            return Err(ModelError::TooLong { tokens, most });
        }
        let (events, stream) = mpsc::unbounded_channel();
        let job = Job { tenant, prompt, sampler, text: text::OutputText::new(stop), max_tokens, events };
        self.queue.push(0, job).map_err(|refused| match refused {
            Refused::Full(waiting) => ModelError::Busy { retry_after: self.retry_after(waiting) },
            Refused::Closed => stopped(),
        })?;
        Ok(UnboundedReceiverStream::new(stream).boxed())
    }

    /// Seconds until half of those who wait now should be through.
    fn retry_after(&self, waiting: usize) -> u32 {
        let pace = self.pace.load(Ordering::Relaxed).max(1_000);
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        (pace.saturating_mul(waiting) / 2_000).clamp(1, 60)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.queue.close();
        // Joined, so that no native code still runs while the process ends.
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

impl Waiting for Job {
    fn abandoned(&self) -> bool {
        self.events.is_closed()
    }
}

fn stopped() -> ModelError {
    ModelError::Failed("the engine's thread has stopped".to_owned())
}
