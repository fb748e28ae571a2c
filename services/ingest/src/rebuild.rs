//! The change of a tenant's embedding model, in the background: every passage that answers is read by the
//! next model, the next index is filled, and one row decides from when on it answers. Until then everything
//! goes on with the model before; after it the index before is cleared.
//!
//! Any step may be repeated: vectors are kept as they are made, points replace each other, and the switch
//! checks that no passage lacks its vectors. A process that dies leaves a lease, and another goes on.

use crate::embed::{hash, in_sentences, read};
use crate::identity;
use crate::models::{Models, Place};
use crate::reconcile::Reconciler;
use fuente_contract::drift::Drift;
use fuente_contract::{Error, PassageId, Result, SystemScope, TenantId};
use fuente_store::Store;
use fuente_store::embedders::{self, SideLease};
use fuente_store::next_vectors::{self, Switched};
use fuente_store::reconcile::LivePassage;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked for tenants whose model is to change.
const LOOK: Duration = Duration::from_secs(2);
/// A quarter of the lease (60 s), as with jobs.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Passages read between two writes: what a crash costs.
const STEP: i64 = 64;

pub(crate) struct Rebuild {
    pub(crate) system: SystemScope,
    pub(crate) store: Store,
    pub(crate) models: Models,
    pub(crate) reconciler: Reconciler,
    pub(crate) batch_tokens: usize,
    pub(crate) stop: CancellationToken,
}

impl Rebuild {
    /// Works until told to stop. What is in hand then is given back, for another process or the next start.
    pub(crate) async fn run(self) {
        while !self.stop.is_cancelled() {
            if let Err(error) = self.all().await {
                tracing::warn!(%error, "tenants whose embedding model changes could not be looked for");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    async fn all(&self) -> Result<()> {
        for tenant in embedders::unsettled(&self.system, &self.store).await? {
            if self.stop.is_cancelled() {
                return Ok(());
            }
            if let Err(error) = self.one(tenant).await {
                tracing::warn!(%tenant, %error, "the change of the embedding model stopped; it is gone on with");
            }
        }
        Ok(())
    }

    /// What is left to do for one tenant.
    async fn one(&self, tenant: TenantId) -> Result<()> {
        self.take_over(tenant).await?;
        let places = embedders::places(&self.system, &self.store, tenant).await?;
        // A process that was told otherwise has started since: the change is its own to make.
        let own = self.models.embedders.wanted().id();
        let changing = places.current.is_some() && places.wanted != places.current;
        if changing && places.wanted.as_deref() == Some(own) {
            if let Some(lease) = self.take(tenant, own, false).await? {
                self.holding(&lease, self.build(&lease)).await?;
            }
            self.take_over(tenant).await?;
        }
        let places = embedders::places(&self.system, &self.store, tenant).await?;
        for side in places.sides.iter().filter(|side| places.wanted.as_ref() != Some(side)) {
            if let Some(lease) = self.take(tenant, side, true).await? {
                self.holding(&lease, self.clear(&lease)).await?;
            }
        }
        Ok(())
    }

    async fn take(&self, tenant: TenantId, id: &str, clear: bool) -> Result<Option<SideLease>> {
        let name = identity::name(0);
        embedders::take(&self.system, &self.store, (tenant, id, clear), &name, identity::is_gone).await
    }

    /// Keeps the lease while the work lasts; gives the work up where the lease is another's, or when told
    /// to stop.
    async fn holding(&self, lease: &SideLease, work: impl Future<Output = Result<()>>) -> Result<()> {
        let lost = async {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                match embedders::hold(&self.system, &self.store, lease).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    // The lease outlives a few lost beats; the fence protects the rest.
                    Err(error) => tracing::warn!(%error, "heartbeat failed"),
                }
            }
        };
        let done = tokio::select! {
            done = work => done,
            () = lost => Err(Error::conflict("Another process has this index now.")),
            () = self.stop.cancelled() => Ok(()),
        };
        embedders::give_back(&self.system, &self.store, lease).await?;
        done
    }

    /// Fills the next index, and switches to it.
    async fn build(&self, lease: &SideLease) -> Result<()> {
        let place = self.models.place(lease.embedder.clone()).await?;
        let (tenant, model) = (lease.tenant, place.id.as_str());
        let (done, total) = next_vectors::count(&self.system, &self.store, lease).await?;
        tracing::info!(%tenant, model, done, total, "the embedding model changes");
        self.fill(lease, &place).await?;
        // What a process before this one wrote may have been lost with it, or be of a passage that is gone.
        // From here on nothing is missing but what is published meanwhile, which the next rounds fill in.
        let mut drift = Drift { mended: true, ..Drift::default() };
        self.reconciler.points(tenant, &place, &mut drift).await?;
        loop {
            self.fill(lease, &place).await?;
            match next_vectors::switch(&self.system, &self.store, lease).await? {
                Switched::Done { from } => {
                    tracing::info!(%tenant, model, from, "the tenant is searched with the new embedding model");
                    return Ok(());
                }
                Switched::Missing(passages) => tracing::debug!(%tenant, passages, "published meanwhile"),
                Switched::Unwanted => return Ok(()),
            }
        }
    }

    /// Reads every passage that lacks vectors of the next model, and writes its point.
    async fn fill(&self, lease: &SideLease, place: &Place) -> Result<()> {
        let embedder = self.models.embedders.of(&lease.embedder).await?;
        let mut after: Option<PassageId> = None;
        loop {
            let unread = next_vectors::missing(&self.system, &self.store, lease, after, STEP).await?;
            let Some(last) = unread.last() else { return Ok(()) };
            after = Some(last.live.id);
            let texts: Vec<_> = unread.iter().map(|unread| in_sentences(&unread.title, &unread.row)).collect();
            let hashes: Vec<_> = texts.iter().map(|parted| hash(&embedder, &parted.text)).collect();
            let vectors = read(&embedder, texts, self.batch_tokens).await?;
            let made = unread.iter().zip(hashes).zip(vectors);
            let made: Vec<_> = made.map(|((unread, hash), vectors)| (unread.live.id, hash, vectors)).collect();
            next_vectors::save(&self.system, &self.store, lease, &made).await?;
            let live: Vec<LivePassage> = unread.iter().map(|unread| unread.live).collect();
            self.reconciler.write(lease.tenant, place, &live).await?;
        }
    }

    /// The passages take over the vectors of the model that answers now.
    async fn take_over(&self, tenant: TenantId) -> Result<()> {
        while !self.stop.is_cancelled() && next_vectors::take_over(&self.system, &self.store, tenant).await? {}
        Ok(())
    }

    /// Empties an index that neither answers nor is to answer.
    async fn clear(&self, lease: &SideLease) -> Result<()> {
        if lease.cleared && !lease.settled {
            return Ok(());
        }
        match self.models.place_of_known(&lease.embedder).await? {
            Some(place) => {
                place.index.drop_tenant(lease.tenant).await?;
                // Another process may have made it the one that answers, while this one stood still.
                let places = embedders::places(&self.system, &self.store, lease.tenant).await?;
                if places.current.as_ref() == Some(&lease.embedder) {
                    let mut drift = Drift { mended: true, ..Drift::default() };
                    return self.reconciler.points(lease.tenant, &place, &mut drift).await;
                }
            }
            None => tracing::warn!(
                model = lease.embedder,
                "this release does not know the model: what is left of its index has to be removed by hand"
            ),
        }
        embedders::cleared(&self.system, &self.store, lease).await?;
        tracing::info!(tenant = %lease.tenant, model = lease.embedder, "the index of the embedding model before is cleared");
        Ok(())
    }
}
