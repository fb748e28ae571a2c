//! The reconciler: walks index, Postgres and disk side by side, and puts right what they disagree on.
//! Postgres decides; the index and the disk follow. What is under way is never drift: points are written
//! after their rows and removed after them, and a file is foreseen in Postgres before its first byte.

use crate::embed::with_place;
use fuente_contract::drift::Drift;
use fuente_contract::{PassageId, Result, SystemScope, TenantId, VersionId};
use fuente_store::blobs::Blobs;
use fuente_store::reconcile::{self, LivePassage};
use fuente_store::{Store, tenants};
use fuente_vectors::{Bm25, Held, PayloadPatch, Point, Selector, Tag, VectorIndex};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Points compared at a time.
const PAGE: usize = 1_000;

#[derive(Clone)]
pub(crate) struct Reconciler {
    pub(crate) system: SystemScope,
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) index: Arc<dyn VectorIndex>,
    /// Id of the model whose vectors the index holds.
    pub(crate) embedder: String,
}

impl Reconciler {
    /// Compares all of one tenant's, and mends it where asked.
    pub(crate) async fn run(&self, tenant: TenantId, mend: bool) -> Result<Drift> {
        let mut drift = Drift { mended: mend, ..Drift::default() };
        let mut after: Option<PassageId> = None;
        loop {
            let held = self.index.held(tenant, after, PAGE).await?;
            // The last page is compared with everything that is left.
            let to = (held.len() == PAGE).then(|| held.last().map(|held| held.id)).flatten();
            self.page(tenant, &held, (after, to), &mut drift).await?;
            match to {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        self.files(tenant, &mut drift).await?;
        Ok(drift)
    }

    /// Every tenant at once after the start and then once a day, until told to stop.
    pub(crate) async fn daily(self, every: Duration, stop: CancellationToken) {
        loop {
            if let Err(error) = self.all(&stop).await {
                tracing::warn!(%error, "the stores could not be compared; it is tried again");
            }
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn all(&self, stop: &CancellationToken) -> Result<()> {
        for (tenant, _) in tenants::list(&self.system, &self.store).await? {
            if stop.is_cancelled() {
                return Ok(());
            }
            let drift = self.run(tenant, true).await?;
            if !drift.is_none() {
                tracing::warn!(%tenant, ?drift, "the stores disagreed");
            }
        }
        Ok(())
    }

    async fn page(
        &self,
        tenant: TenantId,
        held: &[Held],
        (after, to): (Option<PassageId>, Option<PassageId>),
        drift: &mut Drift,
    ) -> Result<()> {
        let live = self.live(tenant, after, to).await?;
        drift.points += held.len() as u64;
        drift.passages += live.len() as u64;
        let present: HashMap<PassageId, Option<Tag>> = held.iter().map(|held| (held.id, held.tag)).collect();
        let missing: Vec<LivePassage> = live.values().filter(|live| !present.contains_key(&live.id)).copied().collect();
        self.missing(tenant, &missing, drift).await?;
        let stale: HashMap<VersionId, LivePassage> = live
            .values()
            .filter(|live| present.get(&live.id).is_some_and(|tag| *tag != Some(tag_of(live))))
            .inspect(|_| drift.stale_points += 1)
            .map(|live| (live.version, *live))
            .collect();
        if drift.mended {
            for live in stale.into_values() {
                self.retag(tenant, live).await?;
            }
        }
        let unknown: Vec<PassageId> = held.iter().map(|held| held.id).filter(|id| !live.contains_key(id)).collect();
        self.orphans(tenant, unknown, drift).await
    }

    /// Lets filters see what holds. Rights that change meanwhile are written by whoever changes them,
    /// and must not be overwritten with what held before.
    async fn retag(&self, tenant: TenantId, mut live: LivePassage) -> Result<()> {
        loop {
            self.index.set_payload(tenant, &Selector::Version(live.version), &patch(&live)).await?;
            let before = PassageId(Uuid::from_u128(live.id.0.as_u128().saturating_sub(1)));
            match self.live(tenant, Some(before), Some(live.id)).await?.remove(&live.id) {
                Some(now) if now != live => live = now,
                _ => return Ok(()),
            }
        }
    }

    async fn live(
        &self,
        tenant: TenantId,
        mut after: Option<PassageId>,
        to: Option<PassageId>,
    ) -> Result<HashMap<PassageId, LivePassage>> {
        let mut all = HashMap::new();
        loop {
            let page = reconcile::live_passages(&self.system, &self.store, tenant, after, to, PAGE as i64).await?;
            let last = page.last().map(|live| live.id);
            let full = page.len() == PAGE;
            all.extend(page.into_iter().map(|live| (live.id, live)));
            if !full {
                return Ok(all);
            }
            after = last;
        }
    }

    /// Writes points again from the vectors kept in Postgres.
    async fn missing(&self, tenant: TenantId, missing: &[LivePassage], drift: &mut Drift) -> Result<()> {
        drift.missing_points += missing.len() as u64;
        for part in missing.chunks(PAGE) {
            let ids: Vec<PassageId> = part.iter().map(|live| live.id).collect();
            let kept = reconcile::kept(&self.system, &self.store, tenant, &ids, &self.embedder).await?;
            drift.lost_points += (part.len() - kept.len()) as u64;
            if !drift.mended || kept.is_empty() {
                continue;
            }
            let tags: HashMap<PassageId, &LivePassage> = part.iter().map(|live| (live.id, live)).collect();
            let points = kept.into_iter().filter_map(|kept| {
                let live = tags.get(&kept.row.id)?;
                let sparse = Bm25::document(&with_place(&kept.title, &kept.row), &kept.row.lang);
                Some(Point {
                    id: live.id,
                    dense: kept.dense,
                    sparse,
                    document: live.document,
                    version: live.version,
                    library: live.library,
                    policy: live.policy,
                    owner: live.owner,
                    lang: kept.row.lang,
                    current: true,
                })
            });
            self.index.upsert(tenant, points.collect()).await?;
            self.index.flush(tenant).await?;
            // A document that was deleted meanwhile was swept before these points came.
            let left = reconcile::existing(&self.system, &self.store, tenant, &ids).await?;
            let gone: Vec<PassageId> = ids.into_iter().filter(|id| !left.contains(id)).collect();
            if !gone.is_empty() {
                self.index.delete(tenant, &Selector::Passages(gone)).await?;
            }
        }
        Ok(())
    }

    /// Removes points that belong to no passage, live or in the making.
    async fn orphans(&self, tenant: TenantId, unknown: Vec<PassageId>, drift: &mut Drift) -> Result<()> {
        let known = reconcile::existing(&self.system, &self.store, tenant, &unknown).await?;
        let orphans: Vec<PassageId> = unknown.into_iter().filter(|id| !known.contains(id)).collect();
        drift.orphan_points += orphans.len() as u64;
        if drift.mended && !orphans.is_empty() {
            self.index.delete(tenant, &Selector::Passages(orphans)).await?;
        }
        Ok(())
    }

    async fn files(&self, tenant: TenantId, drift: &mut Drift) -> Result<()> {
        // The disk first: a file that comes after this look is in Postgres by the next.
        let stored: HashSet<String> = self.blobs.keys(tenant).await?.into_iter().collect();
        let (versions, moving) = reconcile::files(&self.system, &self.store, tenant).await?;
        drift.files += stored.len() as u64;
        for key in stored.iter().filter(|key| !versions.contains(*key) && !moving.contains(*key)) {
            drift.orphan_files += 1;
            if drift.mended {
                self.blobs.delete(key).await?;
            }
        }
        for key in versions.iter().filter(|key| !stored.contains(*key)) {
            // It may have come after the look at the disk.
            drift.missing_files += u64::from(!self.blobs.has(key).await?);
        }
        Ok(())
    }
}

fn tag_of(live: &LivePassage) -> Tag {
    Tag {
        document: live.document,
        version: live.version,
        library: live.library,
        policy: live.policy,
        owner: live.owner,
        current: true,
    }
}

fn patch(live: &LivePassage) -> PayloadPatch {
    PayloadPatch {
        policy: Some(live.policy),
        owner: Some(live.owner),
        library: Some(live.library),
        current: Some(true),
    }
}
