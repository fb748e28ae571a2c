//! The peer of the ingestion benchmark: fastembed as its own documentation uses it.

use crate::embedder::{EmbedderOptions, files};
use crate::error::ModelError;
use crate::manifest;
use fastembed::{InitOptionsUserDefined, TextEmbedding};
use std::time::{Duration, Instant};

/// The same model with every default of the library: its batches (256 texts in the order given), its threads.
pub struct Peer {
    session: TextEmbedding,
    prefix: String,
}

impl Peer {
    /// # Errors
    /// Where the model does not load.
    pub fn load(options: &EmbedderOptions) -> Result<Self, ModelError> {
        let name = options.directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let entry = manifest::entry(name)?;
        let prefix = entry.embedder.as_ref().map(|facts| facts.passage.clone()).unwrap_or_default();
        crate::embedder::load_runtime(&options.onnxruntime)?;
        let model = files(&options.directory)?;
        let session = TextEmbedding::try_new_from_user_defined(model, InitOptionsUserDefined::new())
            .map_err(|error| ModelError::failed("the embedding model does not load", error))?;
        Ok(Self { session, prefix })
    }

    /// How long it takes for `texts`.
    ///
    /// # Errors
    /// Where the model fails.
    pub fn time(&mut self, texts: &[String]) -> Result<Duration, ModelError> {
        let texts: Vec<String> = texts.iter().map(|text| format!("{}{text}", self.prefix)).collect();
        let clock = Instant::now();
        self.session.embed(&texts, None).map_err(|error| ModelError::failed("embedding failed", error))?;
        Ok(clock.elapsed())
    }
}
