//! [`VectorIndex`] over a Qdrant server: one collection, the tenant as an indexed field.
//!
//! Every request names its tenant in the filter, and every change waits until it is applied.

mod collection;
mod fault;
mod filter;

use crate::clause::{of_query, of_selector, replaceable};
use crate::index::{Held, HybridQuery, Legs, PayloadPatch, Point, Selector, VectorIndex};
use crate::schema::{DENSE, SPARSE, TENANT, check_points, check_query, patched, payload, rank, tag};
use fault::fault;
use filter::of_tenant;
use fuente_contract::{Error, PassageId, Result, TenantId};
use qdrant_client::qdrant::{
    AcornSearchParams, BatchResult, CountPoints, DeletePoints, Filter, IdfParams, NamedVectors, PointId, PointStruct,
    PointsSelector, Query, QueryBatchPoints, QueryPoints, RetrievedPoint, ScrollPoints, SearchParams, SetPayloadPoints,
    UpsertPoints, Vector, VectorInput, point_id::PointIdOptions, points_selector::PointsSelectorOneOf,
};
use qdrant_client::{Payload, Qdrant};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Points of one request.
const BATCH: usize = 256;
/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// From this version on the statistics of one tenant's terms can be kept apart (major, minor). An
/// older one weighs words over all tenants together: scores would tell one of the other's words.
const OLDEST: (u64, u64) = (1, 19);

/// The version of the server at `url`; makes nothing there.
pub async fn server_version(url: &str, api_key: Option<&str>) -> Result<String> {
    let client = connect(url, api_key)?;
    Ok(client.health_check().await.map_err(fault)?.version)
}

fn connect(url: &str, api_key: Option<&str>) -> Result<Qdrant> {
    let config =
        Qdrant::from_url(url).timeout(PATIENCE).connect_timeout(Duration::from_secs(5)).skip_compatibility_check();
    config.api_key(api_key.filter(|key| !key.is_empty())).build().map_err(fault)
}

/// Connects to the server at `url`, and makes the collection where it does not exist.
pub async fn server(url: &str, api_key: Option<&str>, collection: &str, dim: usize) -> Result<Arc<dyn VectorIndex>> {
    let client = connect(url, api_key)?;
    let version = client.health_check().await.map_err(fault)?.version;
    if parse_version(&version).is_none_or(|version| version < OLDEST) {
        return Err(Error::conflict(format!(
            "The vector server at {url} is Qdrant {version}. Fuente needs 1.19 or later: older ones cannot keep what one tenant writes out of another's scores."
        )));
    }
    collection::ensure(&client, collection, dim).await?;
    Ok(Arc::new(Server { client, collection: collection.into(), dim }))
}

/// Major and minor number of a version such as `1.19.0` or `v1.19.0-dev`.
fn parse_version(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

struct Server {
    client: Qdrant,
    collection: String,
    dim: usize,
}

impl Server {
    /// One leg of a query.
    fn leg(
        &self,
        tenant: TenantId,
        query: &HybridQuery,
        filter: &Filter,
        vector: VectorInput,
        space: &str,
    ) -> QueryPoints {
        let acorn = (!query.exact).then(|| AcornSearchParams { enable: Some(true), ..AcornSearchParams::default() });
        let idf = (space == SPARSE).then(|| IdfParams { corpus: Some(of_tenant(tenant, &[])) });
        QueryPoints {
            collection_name: self.collection.clone(),
            query: Some(Query::new_nearest(vector)),
            using: Some(space.into()),
            filter: Some(filter.clone()),
            params: Some(SearchParams { exact: Some(query.exact), acorn, idf, ..SearchParams::default() }),
            limit: Some(query.limit as u64),
            ..QueryPoints::default()
        }
    }

    async fn count_in(&self, filter: Filter) -> Result<u64> {
        let request = CountPoints {
            collection_name: self.collection.clone(),
            filter: Some(filter),
            exact: Some(true),
            ..CountPoints::default()
        };
        let reply = self.client.count(request).await.map_err(fault)?;
        Ok(reply.result.ok_or_else(|| Error::internal("the vector server counted nothing"))?.count)
    }

    async fn delete_in(&self, filter: Filter) -> Result<()> {
        let request = DeletePoints {
            collection_name: self.collection.clone(),
            wait: Some(true),
            points: Some(selected(filter)),
            ..DeletePoints::default()
        };
        self.client.delete_points(request).await.map(drop).map_err(fault)
    }
}

#[async_trait::async_trait]
impl VectorIndex for Server {
    async fn upsert(&self, tenant: TenantId, points: Vec<Point>) -> Result<()> {
        check_points(&points, self.dim)?;
        for batch in points.chunks(BATCH) {
            let request = UpsertPoints {
                collection_name: self.collection.clone(),
                wait: Some(true),
                points: batch.iter().map(|point| stored(tenant, point)).collect(),
                update_filter: Some(of_tenant(tenant, &[replaceable()])),
                ..UpsertPoints::default()
            };
            self.client.upsert_points(request).await.map_err(fault)?;
        }
        Ok(())
    }

    /// Nothing to do: every change was waited for, and the server logs before it applies.
    async fn flush(&self, _tenant: TenantId) -> Result<()> {
        Ok(())
    }

    async fn legs(&self, tenant: TenantId, query: &HybridQuery) -> Result<Legs> {
        check_query(query, self.dim)?;
        let Some(clauses) = of_query(query) else { return Ok(Legs::default()) };
        let filter = of_tenant(tenant, &clauses);
        let mut legs = vec![self.leg(tenant, query, &filter, VectorInput::new_dense(query.dense.clone()), DENSE)];
        if !query.sparse.indices.is_empty() {
            let terms = VectorInput::new_sparse(query.sparse.indices.clone(), query.sparse.values.clone());
            legs.push(self.leg(tenant, query, &filter, terms, SPARSE));
        }
        let request = QueryBatchPoints {
            collection_name: self.collection.clone(),
            query_points: legs,
            ..QueryBatchPoints::default()
        };
        let mut results = self.client.query_batch(request).await.map_err(fault)?.result.into_iter();
        Ok(Legs { dense: hits(results.next())?, sparse: hits(results.next())? })
    }

    async fn delete(&self, tenant: TenantId, what: &Selector) -> Result<u64> {
        let filter = of_tenant(tenant, &of_selector(what));
        let found = self.count_in(filter.clone()).await?;
        self.delete_in(filter).await?;
        Ok(found)
    }

    async fn set_payload(&self, tenant: TenantId, what: &Selector, patch: &PayloadPatch) -> Result<()> {
        let fields = patched(patch);
        if fields.is_empty() {
            return Ok(());
        }
        let request = SetPayloadPoints {
            collection_name: self.collection.clone(),
            wait: Some(true),
            payload: Payload::from(fields).into(),
            points_selector: Some(selected(of_tenant(tenant, &of_selector(what)))),
            ..SetPayloadPoints::default()
        };
        self.client.set_payload(request).await.map(drop).map_err(fault)
    }

    async fn count(&self, tenant: TenantId, what: &Selector) -> Result<u64> {
        self.count_in(of_tenant(tenant, &of_selector(what))).await
    }

    async fn held(&self, tenant: TenantId, after: Option<PassageId>, limit: usize) -> Result<Vec<Held>> {
        // The server's offset is inclusive: start at the next id there can be.
        let from = match after.map(|id| id.0.as_u128().checked_add(1)) {
            Some(None) => return Ok(Vec::new()),
            Some(Some(next)) => Some(PointId::from(Uuid::from_u128(next).to_string())),
            None => None,
        };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let request = ScrollPoints {
            collection_name: self.collection.clone(),
            filter: Some(of_tenant(tenant, &[])),
            offset: from,
            limit: Some(u32::try_from(limit).unwrap_or(u32::MAX)),
            with_payload: Some(true.into()),
            ..ScrollPoints::default()
        };
        let reply = self.client.scroll(request).await.map_err(fault)?;
        let held = |point: RetrievedPoint| {
            let fields = point.payload.into_iter().map(|(name, value)| (name, value.into_json())).collect();
            Ok(Held { id: passage(point.id)?, tag: tag(&fields) })
        };
        reply.result.into_iter().map(held).collect()
    }

    async fn drop_tenant(&self, tenant: TenantId) -> Result<()> {
        self.delete_in(of_tenant(tenant, &[])).await
    }

    async fn health(&self) -> Result<()> {
        self.client.health_check().await.map(drop).map_err(fault)
    }
}

/// A point as the server keeps it: its payload names the tenant.
fn stored(tenant: TenantId, point: &Point) -> PointStruct {
    let mut vectors = NamedVectors::default().add_vector(DENSE, point.dense.clone());
    if !point.sparse.indices.is_empty() {
        vectors =
            vectors.add_vector(SPARSE, Vector::new_sparse(point.sparse.indices.clone(), point.sparse.values.clone()));
    }
    let mut fields = payload(point);
    fields.insert(TENANT.into(), tenant.to_string().into());
    PointStruct::new(point.id.to_string(), vectors, Payload::from(fields))
}

fn selected(filter: Filter) -> PointsSelector {
    PointsSelector { points_selector_one_of: Some(PointsSelectorOneOf::Filter(filter)) }
}

/// The hits of one leg, ranked; a leg that was not asked has none.
fn hits(leg: Option<BatchResult>) -> Result<Vec<(PassageId, f32)>> {
    let points = leg.map(|leg| leg.result).unwrap_or_default();
    let mut hits = points.into_iter().map(|point| Ok((passage(point.id)?, point.score))).collect::<Result<Vec<_>>>()?;
    rank(&mut hits);
    Ok(hits)
}

fn passage(id: Option<PointId>) -> Result<PassageId> {
    match id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Uuid(text)) => text.parse().map_err(Error::internal),
        other => Err(Error::internal(format!("{other:?} is not a passage"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(parse_version("v1.19.0-dev").unwrap() >= OLDEST);
        assert!(parse_version("1.9.3").unwrap() < OLDEST);
        assert!(parse_version("1.100.0").unwrap() >= OLDEST);
        assert!(parse_version("unknown").is_none());
    }
}
