//! Text into vectors: a cheap handle to the thread that owns the ONNX session.

use crate::embed_worker::{self, BULK, Lanes, QUERY, Server, Work};
use crate::error::ModelError;
use crate::manifest::{self, EmbedderFacts, Role};
use crate::parts::{Embedded, Parted, tokens_of};
use crate::pieces::{self, Piece};
use crate::queue::{Queue, Refused};
use crate::{embed_plan, verify};
use fastembed::{InitOptionsUserDefined, Pooling, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokenizers::Tokenizer;
use tokio::sync::oneshot;

/// Calls that may wait in one lane.
const WAITING: usize = 256;
/// Padded tokens of one batch of queries, so that one caller's many queries do not hold up another's.
const QUERY_BATCH_TOKENS: usize = 512;

/// Where an embedding model and its runtime are.
#[derive(Clone, Debug)]
pub struct EmbedderOptions {
    /// `<cache>/models/<name>`: the last component is the name in `models.toml`.
    pub directory: PathBuf,
    /// The ONNX Runtime library.
    pub onnxruntime: PathBuf,
    /// 0 means all cores.
    pub threads: usize,
}

impl EmbedderOptions {
    /// The model `name` as `cargo xtask models` puts it below `cache`.
    #[must_use]
    pub fn at(cache: &Path, name: &str, threads: usize) -> Self {
        Self { directory: cache.join("models").join(name), onnxruntime: cache.join("lib/libonnxruntime.so"), threads }
    }
}

/// A loaded embedding model. Clones share it.
#[derive(Clone)]
pub struct Embedder {
    shared: Arc<Shared>,
}

struct Shared {
    lanes: Arc<Lanes>,
    tokenizer: Tokenizer,
    facts: &'static EmbedderFacts,
    id: String,
    worker: Option<JoinHandle<()>>,
}

impl Embedder {
    /// Verifies and loads the model; takes seconds, so call it off the async threads.
    ///
    /// # Errors
    /// Where a file is missing, damaged or of no use; says which and what to do.
    pub fn load(options: &EmbedderOptions) -> Result<Self, ModelError> {
        let name = options.directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let entry = manifest::entry(name)?;
        let Some(facts) = entry.embedder.as_ref().filter(|_| entry.role == Role::Embed) else {
            return Err(ModelError::Failed(format!("{name} is not an embedding model")));
        };
        entry.verify(&options.directory)?;
        load_runtime(&options.onnxruntime)?;
        let session = open(&options.directory, options.threads, facts)?;
        let tokenizer = counting(&session.tokenizer)?;
        let lanes = Arc::new(Queue::new(WAITING));
        let again = options.clone();
        let server = Server::new(Arc::clone(&lanes), move || open(&again.directory, again.threads, facts));
        let worker = std::thread::Builder::new()
            .name("embedder".to_owned())
            .spawn(move || embed_worker::serve(session, &server))
            .map_err(|error| ModelError::failed("the embedding thread does not start", error))?;
        let id = entry.id();
        Ok(Self { shared: Arc::new(Shared { lanes, tokenizer, facts, id, worker: Some(worker) }) })
    }

    /// [`Embedder::load`], off the async threads.
    ///
    /// # Errors
    /// `Unavailable`, with what is missing and how to get it.
    pub async fn open(options: EmbedderOptions) -> fuente_contract::Result<Self> {
        tokio::task::spawn_blocking(move || Self::load(&options))
            .await
            .map_err(fuente_contract::Error::internal)?
            .map_err(|error| fuente_contract::Error::unavailable(error.to_string(), 60))
    }

    /// Vectors of questions, before any bulk work. A question above [`Self::max_tokens`] is
    /// understood by its beginning.
    ///
    /// # Errors
    /// [`ModelError::Busy`] where too many callers wait.
    pub async fn embed_queries(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, ModelError> {
        let prefix = &self.shared.facts.query;
        let texts: Vec<String> = texts.into_iter().map(|text| format!("{prefix}{text}")).collect();
        let most = self.shared.facts.max_tokens;
        let tokens = texts.iter().map(|text| self.whole(text).min(most)).collect::<Vec<_>>();
        let parts = vec![Vec::new(); texts.len()];
        let vectors = self.run(QUERY, texts, parts, &tokens, QUERY_BATCH_TOKENS).await?;
        Ok(vectors.into_iter().map(|vector| vector.whole).collect())
    }

    /// Vectors of passages and of their parts, in batches of at most `batch_tokens` once padded. What is
    /// longer than the model takes is read in pieces. Queries overtake between two batches.
    ///
    /// # Errors
    /// Where the model fails.
    pub async fn embed_passages(
        &self,
        passages: Vec<Parted>,
        batch_tokens: usize,
    ) -> Result<Vec<Embedded>, ModelError> {
        let mut pieces = Vec::new();
        for (of, passage) in passages.iter().enumerate() {
            self.cut(of, passage, &mut pieces)?;
        }
        let (mut texts, mut parts, mut tokens, mut read) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for piece in pieces {
            read.push((piece.of, piece.parts.iter().map(Range::len).collect(), piece.tokens));
            texts.push(piece.text);
            parts.push(piece.parts);
            tokens.push(piece.tokens);
        }
        let made = self.run(BULK, texts, parts, &tokens, batch_tokens).await?;
        Ok(pieces::joined(&read, made, passages.len()))
    }

    /// The passage as the model reads it: whole where it can.
    fn cut(&self, of: usize, passage: &Parted, pieces: &mut Vec<Piece>) -> Result<(), ModelError> {
        let (prefix, most) = (&self.shared.facts.passage, self.shared.facts.max_tokens);
        let whole = 0..passage.text.len();
        let mut left = vec![whole];
        while let Some(range) = left.pop() {
            let text = format!("{prefix}{}", &passage.text[range.clone()]);
            let offsets = self.offsets(&text)?;
            if offsets.len() > most {
                let at = pieces::middle(&passage.text, &range, &passage.parts)
                    .ok_or(ModelError::TooLong { tokens: offsets.len(), most })?;
                left.extend([at..range.end, range.start..at]);
                continue;
            }
            let tokens =
                |part| pieces::clipped(part, &range, prefix.len()).map_or(0..0, |part| tokens_of(&part, &offsets));
            let parts = passage.parts.iter().map(tokens).collect();
            pieces.push(Piece { of, text, parts, tokens: offsets.len() });
        }
        Ok(())
    }

    async fn run(
        &self,
        lane: usize,
        texts: Vec<String>,
        parts: Vec<Vec<Range<usize>>>,
        tokens: &[usize],
        budget: usize,
    ) -> Result<Vec<Embedded>, ModelError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let mut batches = embed_plan::batches(tokens, budget);
        batches.reverse();
        let (reply, answer) = oneshot::channel();
        let vectors = vec![Embedded::default(); texts.len()];
        let work = Work { texts, parts, batches, vectors, reply };
        self.shared.lanes.push(lane, work).map_err(|refused| match refused {
            Refused::Full(_) => ModelError::Busy { retry_after: 5 },
            Refused::Closed => stopped(),
        })?;
        answer.await.map_err(|_| stopped())?
    }

    /// Tokens of the bare text, by the model's own tokenizer. A passage also carries its prefix
    /// and two marks: see [`Self::passage_overhead`].
    #[must_use]
    pub fn count_tokens(&self, text: &str) -> usize {
        // Encoding fails for no text; an estimate that is too high is the safe answer if it ever does.
        self.shared.tokenizer.encode_fast(text, false).map_or(text.len(), |encoding| encoding.len())
    }

    fn whole(&self, prefixed: &str) -> usize {
        self.shared.tokenizer.encode_fast(prefixed, true).map_or(prefixed.len(), |encoding| encoding.len())
    }

    /// Byte offsets of the tokens, marks included.
    fn offsets(&self, prefixed: &str) -> Result<Vec<(usize, usize)>, ModelError> {
        let encoding = self.shared.tokenizer.encode(prefixed, true);
        let encoding = encoding.map_err(|error| ModelError::failed("the tokenizer cannot be used", error))?;
        Ok(encoding.get_offsets().to_vec())
    }

    /// Tokens that come on top of [`Self::count_tokens`] when a passage is embedded.
    #[must_use]
    pub fn passage_overhead(&self) -> usize {
        self.whole(&self.shared.facts.passage)
    }

    /// The longest input, overhead included.
    #[must_use]
    pub fn max_tokens(&self) -> usize {
        self.shared.facts.max_tokens
    }

    /// Numbers in a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.shared.facts.dim
    }

    /// Name and hash of the model: vectors with different ids cannot be compared.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.lanes.close();
        // Joined, so that no native code still runs while the process ends.
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

fn stopped() -> ModelError {
    ModelError::Failed("the embedding thread has stopped".to_owned())
}

/// Without this, the first use of ONNX Runtime would panic instead of returning an error.
pub(crate) fn load_runtime(library: &Path) -> Result<(), ModelError> {
    let known = manifest::entry("onnxruntime")?;
    // A library that an administrator points to under another name is theirs to vouch for.
    if library.file_name().and_then(|name| name.to_str()).is_some_and(|name| known.files().contains(&name)) {
        verify::file(library, known.sha256())?;
    } else if !library.exists() {
        return Err(ModelError::missing(library.display()));
    }
    ort::init_from(library).map(drop).map_err(|error| ModelError::failed("ONNX Runtime does not load", error))
}

/// The model's files, read.
pub(crate) fn files(directory: &Path) -> Result<UserDefinedEmbeddingModel, ModelError> {
    let read = |file: &str| {
        let path = directory.join(file);
        std::fs::read(&path).map_err(|error| ModelError::failed(&format!("{} cannot be read", path.display()), error))
    };
    let tokenizer_files = TokenizerFiles {
        tokenizer_file: read("tokenizer.json")?,
        config_file: read("config.json")?,
        special_tokens_map_file: read("special_tokens_map.json")?,
        tokenizer_config_file: read("tokenizer_config.json")?,
    };
    Ok(UserDefinedEmbeddingModel::new(read("model.onnx")?, tokenizer_files).with_pooling(Pooling::Mean))
}

fn open(directory: &Path, threads: usize, facts: &EmbedderFacts) -> Result<TextEmbedding, ModelError> {
    let mut options = InitOptionsUserDefined::new()
        .with_max_length(facts.max_tokens)
        // Threads that spin while they wait would take the cores from generation.
        .with_session_config("session.intra_op.allow_spinning", "0");
    if threads > 0 {
        options = options.with_intra_threads(threads);
    }
    TextEmbedding::try_new_from_user_defined(files(directory)?, options)
        .map_err(|error| ModelError::failed("the embedding model does not load", error))
}

/// The same tokenizer without cutting and padding, for counting.
fn counting(tokenizer: &Tokenizer) -> Result<Tokenizer, ModelError> {
    let mut tokenizer = tokenizer.clone();
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| ModelError::failed("the tokenizer cannot be used", error))?;
    Ok(tokenizer)
}
