//! The collections on disk: one engine shard each.

use super::refuse::unknown;
use qdrant_edge::{EdgeConfig, EdgeShard, OperationError, UpdateOperation};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tonic::Status;

/// Every collection under one directory.
pub(super) struct Shelves {
    dir: PathBuf,
    open: Mutex<HashMap<String, Arc<Shelf>>>,
}

/// One collection.
pub(super) struct Shelf {
    pub(super) engine: EdgeShard,
    /// Held by changes: the engine's flush, and a count before a removal, must not meet one.
    writes: Mutex<()>,
}

impl Shelves {
    pub(super) fn open(dir: &Path) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        std::fs::create_dir_all(dir).map_err(text)?;
        let mut open = HashMap::new();
        for entry in std::fs::read_dir(dir).map_err(text)? {
            let entry = entry.map_err(text)?;
            let engine = EdgeShard::load(&entry.path(), None).map_err(|error| error.to_string())?;
            open.insert(entry.file_name().to_string_lossy().into_owned(), Arc::new(Shelf::new(engine)));
        }
        Ok(Self { dir: dir.to_owned(), open: Mutex::new(open) })
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Shelf>> {
        self.held().get(name).cloned()
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<Shelf>, Status> {
        self.find(name).ok_or_else(|| Status::not_found(format!("Collection `{name}` doesn't exist!")))
    }

    pub(super) fn create(&self, name: &str, config: EdgeConfig) -> Result<(), Status> {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return Err(Status::invalid_argument(format!("`{name}` is no name for a collection")));
        }
        let mut open = self.held();
        if open.contains_key(name) {
            return Err(Status::already_exists(format!("Collection `{name}` already exists!")));
        }
        let path = self.dir.join(name);
        std::fs::create_dir_all(&path).map_err(|error| Status::internal(error.to_string()))?;
        let engine = EdgeShard::new(&path, config).map_err(fault)?;
        open.insert(name.into(), Arc::new(Shelf::new(engine)));
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Arc<Shelf>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn new(engine: EdgeShard) -> Self {
        Self { engine, writes: Mutex::new(()) }
    }

    /// Applies a change and makes it durable, as a server's log would.
    pub(super) fn change(&self, operation: UpdateOperation) -> Result<(), Status> {
        let _writing = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        self.engine.update(operation).map_err(fault)?;
        self.engine.flush();
        Ok(())
    }
}

/// Runs blocking engine work away from the runtime's own threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Status::internal(error.to_string()))?
}

/// The engine's errors as the protocol's.
pub(super) fn fault(error: OperationError) -> Status {
    match error {
        OperationError::ValidationError { .. }
        | OperationError::WrongVectorDimension { .. }
        | OperationError::WrongSparse
        | OperationError::VectorNameNotExists { .. } => Status::invalid_argument(error.to_string()),
        OperationError::WrongMulti => unknown("multi vectors"),
        other => Status::internal(other.to_string()),
    }
}
