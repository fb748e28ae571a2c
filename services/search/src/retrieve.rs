//! One search, from words to ranked, re-checked passages.

use crate::error::from_model;
use crate::meter;
use crate::select::{Cosines, considered};
use crate::signals::{Terms, measure};
use crate::{authorize, fuse, lang, select};
use fuente_contract::evidence::Hit;
use fuente_contract::limits::QUESTION;
use fuente_contract::search::{SearchReply, SearchRequest, SearchTimings};
use fuente_contract::{Error, PassageId, Result, Scope, Search};
use fuente_models::Embedder;
use fuente_models::parts::cosines;
use fuente_store::{Store, access, passage_vectors};
use fuente_vectors::{Bm25, HybridQuery, Sparse, VectorIndex};
use std::sync::Arc;
use std::time::Instant;

/// Candidates that are read back from Postgres.
const RECHECKED: usize = 120;

/// How to search; see `[search]` of the settings.
#[derive(Clone, Copy, Debug)]
pub struct SearcherOptions {
    pub prefetch: usize,
    pub rrf_k: u32,
}

/// The search service, in process.
pub struct Searcher {
    store: Store,
    index: Arc<dyn VectorIndex>,
    embedder: Embedder,
    options: SearcherOptions,
}

impl Searcher {
    #[must_use]
    pub fn new(store: Store, index: Arc<dyn VectorIndex>, embedder: Embedder, options: SearcherOptions) -> Self {
        Self { store, index, embedder, options }
    }
}

#[async_trait::async_trait]
impl Search for Searcher {
    async fn search(&self, scope: &Scope, request: SearchRequest) -> Result<SearchReply> {
        let (begin, question) = (Instant::now(), checked(&request)?);
        let told = lang::told(question);
        let limit = request.limit.unwrap_or(10) as usize;
        let mut timings = SearchTimings::default();

        let clock = Instant::now();
        let (vectors, filter) =
            tokio::join!(self.embedder.embed_queries(vec![question.to_owned()]), access::readable(scope, &self.store));
        let vector =
            vectors.map_err(from_model)?.pop().ok_or_else(|| Error::internal("the embedder returned nothing"))?;
        timings.embed = since(clock);

        let clock = Instant::now();
        let query = HybridQuery {
            dense: vector.clone(),
            sparse: worded(question, told),
            filter: filter?,
            libraries: narrowed(scope, request.libraries.as_deref()),
            documents: request.documents.clone(),
            limit: self.options.prefetch.max(limit),
            exact: false,
        };
        let legs = self.index.legs(scope.tenant(), &query).await?;
        timings.vectors = since(clock);

        let clock = Instant::now();
        let mut ranked = fuse::rrf(&legs, self.options.rrf_k);
        ranked.truncate(RECHECKED.max(limit));
        let (mut hits, epoch) = authorize::recheck(scope, &self.store, &ranked).await?;
        let lang = told.unwrap_or_else(|| lang::by_hits(question, &hits));
        let terms = Terms::of(question, lang, &hits);
        for hit in &mut hits {
            hit.scores.sparse = hit.scores.sparse.map(|_| terms.bm25(hit));
        }
        let trust = terms.trust(&hits, lang);
        fuse::weigh(&mut hits, lang, self.options.rrf_k, trust, |hit| terms.held(hit));
        timings.recheck = since(clock);

        let clock = Instant::now();
        let signals = measure(&terms, &hits, lang);
        let mut hits = select::without_duplicates(hits, limit);
        let evidence = match request.evidence_tokens {
            Some(budget) => {
                let stored = self.cosines(scope, &hits, &vector).await?;
                select::evidence(&self.embedder, &vector, &terms, &hits, &stored, budget).await?
            }
            None => Vec::new(),
        };
        hits.truncate(limit);
        timings.select = since(clock);
        meter::searched(begin.elapsed(), ranked.len(), &timings);
        Ok(SearchReply { hits, evidence, epoch, lang: lang.to_owned(), signals, timings })
    }
}

impl Searcher {
    /// What the stored vectors of the best passages' sentences say of the question.
    async fn cosines(&self, scope: &Scope, hits: &[Hit], question: &[f32]) -> Result<Cosines> {
        let ids: Vec<PassageId> = considered(hits).iter().map(|hit| hit.passage).collect();
        let packed = passage_vectors::of_sentences(scope, &self.store, &ids, self.embedder.id()).await?;
        Ok(packed.into_iter().filter_map(|(id, bytes)| Some((id, cosines(&bytes, question)?))).collect())
    }
}

/// The question's terms; in every plausible language where its own is not told, because each has its
/// own endings.
fn worded(question: &str, told: Option<&str>) -> Sparse {
    if let Some(lang) = told {
        return Bm25::query(question, lang);
    }
    let mut all = Sparse::default();
    for lang in lang::PLAUSIBLE {
        let Sparse { indices, values } = Bm25::query(question, lang);
        for (index, value) in indices.into_iter().zip(values) {
            if !all.indices.contains(&index) {
                all.indices.push(index);
                all.values.push(value);
            }
        }
    }
    all
}

fn checked(request: &SearchRequest) -> Result<&str> {
    let question = request.query.trim();
    if question.is_empty() {
        return Err(Error::invalid("The question is empty."));
    }
    if question.chars().count() > QUESTION {
        return Err(Error::invalid(format!(
            "The question is longer than {QUESTION} characters. Ask about one thing at a time."
        )));
    }
    match request.limit {
        Some(limit) if !(1..=50).contains(&limit) => Err(Error::invalid("`limit` must be between 1 and 50.")),
        _ => Ok(question),
    }
}

/// The credential's own libraries and the request's: both narrow, neither widens.
fn narrowed(scope: &Scope, wanted: Option<&[fuente_contract::LibraryId]>) -> Option<Vec<fuente_contract::LibraryId>> {
    match (scope.libraries(), wanted) {
        (None, None) => None,
        (Some(held), None) => Some(held.to_vec()),
        (None, Some(wanted)) => Some(wanted.to_vec()),
        (Some(held), Some(wanted)) => Some(wanted.iter().copied().filter(|id| held.contains(id)).collect()),
    }
}

fn since(clock: Instant) -> f32 {
    clock.elapsed().as_secs_f32() * 1_000.0
}
