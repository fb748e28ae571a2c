//! Which embedding model a question is read by: the one that the tenant's passages are searched with at
//! that moment, as Postgres says. While a change of model runs a process has two of them.

use fuente_contract::Result;
use fuente_models::{Embedder, Embedders};
use fuente_vectors::{Indexes, VectorIndex};
use std::sync::Arc;

/// A model and the index of its vectors.
pub(crate) struct Model {
    pub(crate) embedder: Embedder,
    pub(crate) index: Arc<dyn VectorIndex>,
}

pub(crate) struct Models {
    pub(crate) embedders: Embedders,
    pub(crate) indexes: Indexes,
}

impl Models {
    /// The model of that id, or the one of the settings where the tenant has none yet.
    ///
    /// # Errors
    /// `Unavailable` where it does not load; the log says why.
    pub(crate) async fn of(&self, id: Option<&str>) -> Result<Model> {
        let embedder = match id {
            Some(id) => self.embedders.of(id).await?,
            None => self.embedders.wanted().clone(),
        };
        let index = self.indexes.of(embedder.id(), embedder.dim()).await?;
        Ok(Model { embedder, index })
    }

    /// Whether `id`, as Postgres has it, is `model`.
    pub(crate) fn is(&self, model: &Embedder, id: Option<&str>) -> bool {
        id.unwrap_or(self.embedders.wanted().id()) == model.id()
    }
}
