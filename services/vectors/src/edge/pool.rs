//! Which tenants' shards are open: opened on use, the least recently used closed when there
//! are more than allowed. Everything here blocks.

use super::shard::Shard;
use fuente_contract::{Error, ErrorCode, Result, TenantId};
use std::collections::HashMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// Prefix of directories that are on their way out; no tenant's id begins so.
const DROPPED: &str = ".dropped-";
/// How long a shard that another process holds is waited for.
const HANDOVER: Duration = Duration::from_secs(2);

/// The shards of one directory.
pub(super) struct Pool {
    dir: PathBuf,
    dim: usize,
    open_shards: usize,
    slots: Mutex<HashMap<TenantId, Arc<Slot>>>,
    clock: AtomicU64,
}

/// One tenant's place. Work holds the read lock; opening, closing and dropping the write lock.
#[derive(Default)]
struct Slot {
    shard: RwLock<Option<Shard>>,
    used: AtomicU64,
}

impl Pool {
    /// Makes the directory and finishes what an interrupted drop left behind.
    pub(super) fn new(dir: &Path, dim: usize, open_shards: usize) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(Error::internal)?;
        // Vectors tell much of the text they were made of: nobody else of the machine reads them.
        std::fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(Error::internal)?;
        for entry in std::fs::read_dir(dir).map_err(Error::internal)? {
            let entry = entry.map_err(Error::internal)?;
            if entry.file_name().to_string_lossy().starts_with(DROPPED) {
                std::fs::remove_dir_all(entry.path()).map_err(Error::internal)?;
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            dim,
            open_shards: open_shards.max(1),
            slots: Mutex::default(),
            clock: AtomicU64::new(0),
        })
    }

    /// Where the shards are.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The size of the vectors.
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    /// Whether the directory is there.
    pub(super) fn check(&self) -> Result<()> {
        std::fs::read_dir(&self.dir)
            .map(drop)
            .map_err(|error| Error::unavailable("The directory of the vector index cannot be read.", 5).because(error))
    }

    /// Works on the tenant's shard, or on none where the tenant has no points.
    pub(super) fn read<T>(&self, tenant: TenantId, work: impl FnOnce(&Shard) -> Result<T>) -> Result<Option<T>> {
        if self.path(tenant).exists() { self.write(tenant, work).map(Some) } else { Ok(None) }
    }

    /// Works on the tenant's shard, which is made where it does not exist.
    pub(super) fn write<T>(&self, tenant: TenantId, work: impl FnOnce(&Shard) -> Result<T>) -> Result<T> {
        let slot = self.slot(tenant);
        slot.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        {
            let held = slot.shard.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(shard) = held.as_ref().filter(|shard| !shard.is_broken()) {
                return watched(shard, work);
            }
        }
        let mut held = slot.shard.write().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_none_or(Shard::is_broken) {
            close(&mut held);
            *held = Some(open_patiently(&self.path(tenant), self.dim)?);
            self.close_idle();
        }
        let held = RwLockWriteGuard::downgrade(held);
        let shard = held.as_ref().ok_or_else(|| Error::internal("the shard was just opened"))?;
        watched(shard, work)
    }

    /// Closes the tenant's shard and removes its directory.
    pub(super) fn drop_tenant(&self, tenant: TenantId) -> Result<()> {
        let slot = self.slot(tenant);
        let mut held = slot.shard.write().unwrap_or_else(PoisonError::into_inner);
        close(&mut held);
        let (from, to) = (self.path(tenant), self.dir.join(format!("{DROPPED}{tenant}")));
        if from.exists() {
            // Renamed first: a crash half-way leaves a name that the next start clears away.
            std::fs::rename(&from, &to).and_then(|()| std::fs::remove_dir_all(&to)).map_err(Error::internal)?;
        }
        Ok(())
    }

    fn path(&self, tenant: TenantId) -> PathBuf {
        self.dir.join(tenant.to_string())
    }

    fn slot(&self, tenant: TenantId) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(tenant).or_default())
    }

    /// Closes shards, the least recently used first, until few enough are open. Shards at work
    /// are passed over, so for a moment there may be more.
    fn close_idle(&self) {
        let slots: Vec<Arc<Slot>> =
            self.slots.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        // A slot whose lock cannot be had now is at work, hence open; so is the caller's own.
        let mut open: Vec<_> =
            slots.into_iter().filter(|slot| slot.shard.try_read().map_or(true, |held| held.is_some())).collect();
        open.sort_by_key(|slot| slot.used.load(Ordering::Relaxed));
        let surplus = open.len().saturating_sub(self.open_shards);
        for slot in open.into_iter().take(surplus) {
            if let Ok(mut held) = slot.shard.try_write() {
                close(&mut held);
            }
        }
    }
}

/// Opens a shard; where another holds it, as a process that is being replaced does for a moment,
/// tries again for a while.
fn open_patiently(dir: &Path, dim: usize) -> Result<Shard> {
    let deadline = Instant::now() + HANDOVER;
    loop {
        match Shard::open(dir, dim) {
            Err(held) if held.code == ErrorCode::Unavailable && Instant::now() < deadline => {
                std::thread::sleep(HANDOVER / 40)
            }
            done => return done,
        }
    }
}

/// Runs `work`; if it panics, the shard's state is unknown and it is opened anew next time.
fn watched<T>(shard: &Shard, work: impl FnOnce(&Shard) -> Result<T>) -> Result<T> {
    struct Watch<'a>(&'a Shard);
    impl Drop for Watch<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.mark_broken();
            }
        }
    }
    let watch = Watch(shard);
    work(watch.0)
}

/// Closes a shard. The engine flushes as it goes, and panics where it cannot.
fn close(held: &mut Option<Shard>) {
    if let Some(shard) = held.take()
        && catch_unwind(AssertUnwindSafe(|| drop(shard))).is_err()
    {
        tracing::error!("a vector shard could not be flushed as it was closed");
    }
}
