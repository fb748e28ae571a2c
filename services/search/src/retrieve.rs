//! One search, from words to ranked, re-checked passages.

use crate::error::from_model;
use crate::meter;
use crate::models::{Model, Models};
use crate::select::{Cosines, considered};
use crate::signals::{Terms, measure};
use crate::{authorize, fuse, lang, select};
use fuente_contract::evidence::Hit;
use fuente_contract::limits::QUESTION;
use fuente_contract::search::{SearchReply, SearchRequest, SearchTimings};
use fuente_contract::{Error, PassageId, Result, Scope, Search};
use fuente_models::parts::cosines;
use fuente_models::{Embedder, Embedders};
use fuente_store::{Store, access, passage_vectors};
use fuente_vectors::{Bm25, HybridQuery, Indexes, Sparse};
use std::time::Instant;

/// Candidates that are read back from Postgres.
const RECHECKED: usize = 120;
/// Changes of model that one question outlasts; there is one in months.
const CHANGES: usize = 3;

/// How to search; see `[search]` of the settings.
#[derive(Clone, Copy, Debug)]
pub struct SearcherOptions {
    pub prefetch: usize,
    pub rrf_k: u32,
}

/// The search service, in process.
pub struct Searcher {
    store: Store,
    models: Models,
    options: SearcherOptions,
}

impl Searcher {
    #[must_use]
    pub fn new(store: Store, indexes: Indexes, embedders: Embedders, options: SearcherOptions) -> Self {
        Self { store, models: Models { embedders, indexes }, options }
    }
}

#[async_trait::async_trait]
impl Search for Searcher {
    async fn search(&self, scope: &Scope, request: SearchRequest) -> Result<SearchReply> {
        let (begin, question) = (Instant::now(), checked(&request)?);
        let told = lang::told(question);
        let limit = request.limit.unwrap_or(10) as usize;
        let mut timings = SearchTimings::default();

        let Found { model, vector, ranked, mut hits, epoch } =
            self.find(scope, &request, (told, limit), &mut timings).await?;
        let clock = Instant::now();
        let lang = told.unwrap_or_else(|| lang::by_hits(question, &hits));
        let terms = Terms::of(question, lang, &hits);
        for hit in &mut hits {
            hit.scores.sparse = hit.scores.sparse.map(|_| terms.bm25(hit));
        }
        let trust = terms.trust(&hits, lang);
        fuse::weigh(&mut hits, lang, self.options.rrf_k, trust, |hit| terms.held(hit));
        timings.recheck += since(clock);

        let clock = Instant::now();
        let signals = measure(&terms, &hits, lang);
        let mut hits = select::without_duplicates(hits, limit);
        let evidence = match request.evidence_tokens {
            Some(budget) => {
                let stored = self.cosines(scope, &hits, &vector, model.embedder.id()).await?;
                select::evidence(&model.embedder, &vector, &terms, &hits, &stored, budget).await?
            }
            None => Vec::new(),
        };
        hits.truncate(limit);
        timings.select = since(clock);
        meter::searched(begin.elapsed(), ranked, &timings);
        Ok(SearchReply { hits, evidence, epoch, lang: lang.to_owned(), signals, timings })
    }
}

/// Readable candidates, ranked, and what found them.
struct Found {
    model: Model,
    /// The question, as the model reads it.
    vector: Vec<f32>,
    /// Candidates that were read back.
    ranked: usize,
    hits: Vec<Hit>,
    epoch: i64,
}

impl Searcher {
    /// Asks the index of the tenant's model. Where the tenant changed to another model between the
    /// question and the re-check, the index may have been cleared under it: then all is done again.
    async fn find(
        &self,
        scope: &Scope,
        request: &SearchRequest,
        (told, limit): (Option<&str>, usize),
        timings: &mut SearchTimings,
    ) -> Result<Found> {
        let question = request.query.trim();
        for _ in 0..CHANGES {
            let clock = Instant::now();
            // Read by the model of the settings while Postgres is asked whether that is the tenant's, as it
            // nearly always is.
            let likely = self.models.embedders.wanted();
            let (vector, readable) = tokio::join!(read_by(likely, question), access::readable(scope, &self.store));
            let (filter, id) = readable?;
            let model = self.models.of(id.as_deref()).await?;
            let vector = match self.models.is(likely, id.as_deref()) {
                true => vector?,
                false => read_by(&model.embedder, question).await?,
            };
            timings.embed = since(clock);

            let clock = Instant::now();
            let query = HybridQuery {
                dense: vector.clone(),
                sparse: worded(question, told),
                filter,
                libraries: narrowed(scope, request.libraries.as_deref()),
                documents: request.documents.clone(),
                limit: self.options.prefetch.max(limit),
                exact: false,
            };
            let legs = model.index.legs(scope.tenant(), &query).await?;
            timings.vectors = since(clock);

            let clock = Instant::now();
            let mut ranked = fuse::rrf(&legs, self.options.rrf_k);
            ranked.truncate(RECHECKED.max(limit));
            let (hits, moment) = authorize::recheck(scope, &self.store, &ranked).await?;
            timings.recheck = since(clock);
            if self.models.is(&model.embedder, moment.embedder.as_deref()) {
                return Ok(Found { model, vector, ranked: ranked.len(), hits, epoch: moment.epoch });
            }
        }
        Err(Error::unavailable("The embedding model is being changed. Try again in a moment.", 2))
    }

    /// What the stored vectors of the best passages' sentences say of the question.
    async fn cosines(&self, scope: &Scope, hits: &[Hit], question: &[f32], model: &str) -> Result<Cosines> {
        let ids: Vec<PassageId> = considered(hits).iter().map(|hit| hit.passage).collect();
        let packed = passage_vectors::of_sentences(scope, &self.store, &ids, model).await?;
        Ok(packed.into_iter().filter_map(|(id, bytes)| Some((id, cosines(&bytes, question)?))).collect())
    }
}

async fn read_by(embedder: &Embedder, question: &str) -> Result<Vec<f32>> {
    let vectors = embedder.embed_queries(vec![question.to_owned()]).await.map_err(from_model)?;
    vectors.into_iter().next().ok_or_else(|| Error::internal("the embedder returned nothing"))
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
