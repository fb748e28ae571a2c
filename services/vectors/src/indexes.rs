//! One index for each embedding model: vectors of two models cannot be compared, so they never meet.

use crate::index::VectorIndex;
use crate::{edge, server};
use fuente_contract::{Error, Result};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The model whose index has the plain name, without the model's: so that installations from before
/// there were several need not build theirs again.
const PLAIN: &str = "e5-small@1571fc982750";

/// Where indexes are.
#[derive(Clone, Debug)]
pub enum Place {
    /// Embedded, below a directory.
    Edge { directory: PathBuf, open_shards: usize },
    /// Collections of a server.
    Server { url: String, api_key: Option<String>, collection: String },
}

/// The indexes of a process, each opened on its first use and then shared.
#[derive(Clone)]
pub struct Indexes {
    place: Arc<Place>,
    open: Arc<Mutex<HashMap<String, Arc<dyn VectorIndex>>>>,
}

impl Indexes {
    #[must_use]
    pub fn at(place: Place) -> Self {
        Self { place: Arc::new(place), open: Arc::default() }
    }

    /// The index of the model `id`, whose vectors have `dim` numbers.
    ///
    /// # Errors
    /// Says why it does not open.
    pub async fn of(&self, id: &str, dim: usize) -> Result<Arc<dyn VectorIndex>> {
        // Held while it opens: an embedded index must not be opened twice.
        let mut open = self.open.lock().await;
        if let Some(index) = open.get(id) {
            return Ok(Arc::clone(index));
        }
        let index = match &*self.place {
            Place::Edge { directory, open_shards } => {
                let name = directory.file_name().and_then(|name| name.to_str());
                let name = name.ok_or_else(|| Error::internal("the directory of the vectors has no name"))?;
                edge(&directory.with_file_name(named(name, id)), dim, *open_shards)?
            }
            Place::Server { url, api_key, collection } => {
                server(url, api_key.as_deref(), &named(collection, id), dim).await?
            }
        };
        open.insert(id.to_owned(), Arc::clone(&index));
        Ok(index)
    }
}

/// The name of a model's index: `fuente-minilm-53aa51172d14`.
fn named(base: &str, id: &str) -> String {
    if id == PLAIN {
        return base.to_owned();
    }
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    format!("{base}-{}", id.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_the_first_one_stays() {
        assert_eq!(named("fuente", PLAIN), "fuente");
        assert_eq!(named("fuente", "minilm@53aa51172d14"), "fuente-minilm-53aa51172d14");
        assert_eq!(named("vectors", "../x@1"), "vectors-..-x-1");
    }
}
