//! The reconciler: walks index, Postgres and disk side by side, and puts right what they disagree on.
//! Postgres decides; the index and the disk follow. What is under way is never drift: points are written
//! after their rows and removed after them, and a file is foreseen in Postgres before its first byte.

use crate::embed::with_place;
use crate::models::{Models, Place};
use fuente_contract::drift::Drift;
use fuente_contract::{PassageId, Result, SystemScope, TenantId, VersionId};
use fuente_store::blobs::Blobs;
use fuente_store::reconcile::{self, KeptPassage, LivePassage};
use fuente_store::{Store, tenants};
use fuente_vectors::{Bm25, Held, PayloadPatch, Point, Selector, Tag};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Points compared at a time.
const PAGE: usize = 1_000;

#[derive(Clone)]
pub(crate) struct Reconciler {
    pub(crate) system: SystemScope,
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) models: Models,
}

impl Reconciler {
    /// Compares all of one tenant's, and mends it where asked.
    pub(crate) async fn run(&self, tenant: TenantId, mend: bool) -> Result<Drift> {
        let mut drift = Drift { mended: mend, ..Drift::default() };
        let place = self.models.answering(tenant).await?;
        self.points(tenant, &place, &mut drift).await?;
        self.files(tenant, &mut drift).await?;
        Ok(drift)
    }

    /// Compares the points of one index with the passages that answer.
    pub(crate) async fn points(&self, tenant: TenantId, place: &Place, drift: &mut Drift) -> Result<()> {
        let mut after: Option<PassageId> = None;
        loop {
            let held = place.index.held(tenant, after, PAGE).await?;
            // The last page is compared with everything that is left.
            let to = (held.len() == PAGE).then(|| held.last().map(|held| held.id)).flatten();
            self.page(tenant, place, &held, (after, to), drift).await?;
            match to {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
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
            // What is wrong with one tenant must not keep the others from being mended.
            match self.run(tenant, true).await {
                Ok(drift) if drift.is_none() => {}
                Ok(drift) => tracing::warn!(%tenant, ?drift, "the stores disagreed"),
                Err(error) => tracing::warn!(%tenant, %error, "the stores could not be compared"),
            }
        }
        Ok(())
    }

    async fn page(
        &self,
        tenant: TenantId,
        place: &Place,
        held: &[Held],
        (after, to): (Option<PassageId>, Option<PassageId>),
        drift: &mut Drift,
    ) -> Result<()> {
        let live = self.live(tenant, after, to).await?;
        drift.points += held.len() as u64;
        drift.passages += live.len() as u64;
        let present: HashMap<PassageId, Option<Tag>> = held.iter().map(|held| (held.id, held.tag)).collect();
        let missing: Vec<LivePassage> = live.values().filter(|live| !present.contains_key(&live.id)).copied().collect();
        self.missing(tenant, place, &missing, drift).await?;
        let stale: HashMap<VersionId, LivePassage> = live
            .values()
            .filter(|live| present.get(&live.id).is_some_and(|tag| *tag != Some(tag_of(live))))
            .inspect(|_| drift.stale_points += 1)
            .map(|live| (live.version, *live))
            .collect();
        if drift.mended {
            for live in stale.into_values() {
                self.retag(tenant, place, live).await?;
            }
        }
        let unknown: Vec<PassageId> = held.iter().map(|held| held.id).filter(|id| !live.contains_key(id)).collect();
        self.orphans(tenant, place, unknown, drift).await
    }

    /// Lets filters see what holds. Rights that change meanwhile are written by whoever changes them,
    /// and must not be overwritten with what held before.
    async fn retag(&self, tenant: TenantId, place: &Place, mut live: LivePassage) -> Result<()> {
        loop {
            place.index.set_payload(tenant, &Selector::Version(live.version), &patch(&live)).await?;
            match reconcile::live_among(&self.system, &self.store, tenant, &[live.id]).await?.pop() {
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

    /// Counts, and mends where asked.
    async fn missing(&self, tenant: TenantId, place: &Place, missing: &[LivePassage], drift: &mut Drift) -> Result<()> {
        drift.missing_points += missing.len() as u64;
        for part in missing.chunks(PAGE) {
            let kept = if drift.mended {
                self.write(tenant, place, part).await?
            } else {
                self.kept(tenant, place, part).await?.len()
            };
            drift.lost_points += (part.len() - kept) as u64;
        }
        Ok(())
    }

    async fn kept(&self, tenant: TenantId, place: &Place, part: &[LivePassage]) -> Result<Vec<KeptPassage>> {
        let ids: Vec<PassageId> = part.iter().map(|live| live.id).collect();
        reconcile::kept(&self.system, &self.store, tenant, &ids, &place.id).await
    }

    /// Writes points from the vectors kept in Postgres, and says for how many passages there are some.
    /// When it returns, their tags are those of a moment after the points were there.
    pub(crate) async fn write(&self, tenant: TenantId, place: &Place, part: &[LivePassage]) -> Result<usize> {
        let kept = self.kept(tenant, place, part).await?;
        // A model that was replaced meanwhile: its index is cleared, and must stay so.
        if kept.is_empty() || !self.models.is_of_use(tenant, &place.id).await? {
            return Ok(kept.len());
        }
        let count = kept.len();
        let written: HashMap<PassageId, &LivePassage> = part.iter().map(|live| (live.id, live)).collect();
        let points = kept.into_iter().filter_map(|kept| written.get(&kept.row.id).map(|live| point(live, kept)));
        place.index.upsert(tenant, points.collect()).await?;
        place.index.flush(tenant).await?;
        // A document that was deleted meanwhile was swept before these points came, and one whose rights
        // changed was tagged before.
        let ids: Vec<PassageId> = written.keys().copied().collect();
        let now = reconcile::live_among(&self.system, &self.store, tenant, &ids).await?;
        let now: HashMap<PassageId, LivePassage> = now.into_iter().map(|live| (live.id, live)).collect();
        let gone: Vec<PassageId> = ids.into_iter().filter(|id| !now.contains_key(id)).collect();
        if !gone.is_empty() {
            place.index.delete(tenant, &Selector::Passages(gone)).await?;
        }
        let changed = now.into_values().filter(|now| written.get(&now.id).is_some_and(|then| *then != now));
        let changed: HashMap<VersionId, LivePassage> = changed.map(|live| (live.version, live)).collect();
        for live in changed.into_values() {
            self.retag(tenant, place, live).await?;
        }
        Ok(count)
    }

    /// Removes points that belong to no passage, live or in the making.
    async fn orphans(&self, tenant: TenantId, place: &Place, unknown: Vec<PassageId>, drift: &mut Drift) -> Result<()> {
        let known = reconcile::existing(&self.system, &self.store, tenant, &unknown).await?;
        let orphans: Vec<PassageId> = unknown.into_iter().filter(|id| !known.contains(id)).collect();
        drift.orphan_points += orphans.len() as u64;
        if drift.mended && !orphans.is_empty() {
            place.index.delete(tenant, &Selector::Passages(orphans)).await?;
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

fn point(live: &LivePassage, kept: KeptPassage) -> Point {
    Point {
        id: live.id,
        dense: kept.dense,
        sparse: Bm25::document(&with_place(&kept.title, &kept.row), &kept.row.lang),
        document: live.document,
        version: live.version,
        library: live.library,
        policy: live.policy,
        owner: live.owner,
        lang: kept.row.lang,
        current: true,
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
