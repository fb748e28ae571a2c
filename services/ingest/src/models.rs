//! Which embedding model a tenant's passages are made with, and every index that may hold points of them.

use fuente_contract::{Result, SystemScope, TenantId};
use fuente_models::{Embedder, Embedders, dim_of};
use fuente_store::{Store, embedders};
use fuente_vectors::{Indexes, PayloadPatch, Selector, VectorIndex};
use std::sync::Arc;

/// A model and the index of its vectors.
pub(crate) struct Model {
    pub(crate) embedder: Embedder,
    pub(crate) index: Arc<dyn VectorIndex>,
}

/// The index of a model, which need not be loaded.
pub(crate) struct Place {
    /// Id of the model.
    pub(crate) id: String,
    pub(crate) index: Arc<dyn VectorIndex>,
}

#[derive(Clone)]
pub(crate) struct Models {
    pub(crate) system: SystemScope,
    pub(crate) store: Store,
    pub(crate) embedders: Embedders,
    pub(crate) indexes: Indexes,
}

impl Models {
    /// The model that the tenant is searched with: what a new version of a document is made with.
    pub(crate) async fn of(&self, tenant: TenantId) -> Result<Model> {
        let own = self.embedders.wanted().id();
        let id = embedders::settle(&self.system, &self.store, tenant, own).await?;
        let embedder = self.embedders.of(&id).await?;
        Ok(Model { index: self.place(id).await?.index, embedder })
    }

    pub(crate) async fn place(&self, id: String) -> Result<Place> {
        Ok(Place { index: self.indexes.of(&id, dim_of(&id)?).await?, id })
    }

    /// [`Self::place`]; none where this release does not know the model, as after its removal from the
    /// manifest: whatever points there are, nothing of ours can reach them.
    pub(crate) async fn place_of_known(&self, id: &str) -> Result<Option<Place>> {
        if dim_of(id).is_err() {
            return Ok(None);
        }
        self.place(id.to_owned()).await.map(Some)
    }

    /// The index that answers for the tenant.
    pub(crate) async fn answering(&self, tenant: TenantId) -> Result<Place> {
        let current = embedders::places(&self.system, &self.store, tenant).await?.current;
        self.place(current.unwrap_or_else(|| self.embedders.wanted().id().to_owned())).await
    }

    /// Whether points of that model are of use: it answers, or is to answer.
    pub(crate) async fn is_of_use(&self, tenant: TenantId, id: &str) -> Result<bool> {
        let places = embedders::places(&self.system, &self.store, tenant).await?;
        Ok(places.current.is_none_or(|current| current == id) || places.wanted.is_some_and(|wanted| wanted == id))
    }

    /// Overwrites payload wherever the tenant has points. Who changed a right commits first: an index that
    /// is built meanwhile is either seen here or reads what was committed.
    pub(crate) async fn set_payload(&self, tenant: TenantId, what: &Selector, patch: &PayloadPatch) -> Result<()> {
        for index in self.everywhere(tenant).await? {
            index.set_payload(tenant, what, patch).await?;
        }
        Ok(())
    }

    /// Removes points wherever the tenant has some, and says how many answered.
    pub(crate) async fn delete(&self, tenant: TenantId, what: &Selector) -> Result<u64> {
        let mut removed = None;
        for index in self.everywhere(tenant).await? {
            let count = index.delete(tenant, what).await?;
            removed.get_or_insert(count);
        }
        Ok(removed.unwrap_or_default())
    }

    /// The index that answers, then the others.
    async fn everywhere(&self, tenant: TenantId) -> Result<Vec<Arc<dyn VectorIndex>>> {
        let places = embedders::places(&self.system, &self.store, tenant).await?;
        let current = places.current.unwrap_or_else(|| self.embedders.wanted().id().to_owned());
        let mut all = Vec::new();
        for id in std::iter::once(current).chain(places.sides) {
            match self.place_of_known(&id).await? {
                Some(place) => all.push(place.index),
                None => tracing::warn!(model = id, "this release does not know the model: its index is passed over"),
            }
        }
        Ok(all)
    }
}
