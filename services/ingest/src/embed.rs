//! The stages embed and index: vectors for the passages that have none yet, and points for all.

use crate::meter;
use crate::models::Model;
use crate::pipeline::{Pipeline, Stop};
use fuente_contract::document::{Progress, Stage};
use fuente_contract::sentences::sentences;
use fuente_contract::{Error, Result};
use fuente_models::Embedder;
use fuente_models::parts::{Embedded, Parted, pack};
use fuente_store::jobs::Claim;
use fuente_store::passage_vectors::{self, EmbeddedHash, KeptVectors};
use fuente_store::{PassageRow, embedders};
use fuente_vectors::{Bm25, Point};
use std::time::{Duration, Instant};

/// Passages embedded between two reports of progress.
const STEP: usize = 32;

/// Characters of title and headings that go before a passage.
const LONGEST_PLACE: usize = 240;

impl Pipeline {
    /// Embeds what is new and writes all points, not yet visible.
    pub(crate) async fn embed_and_index(
        &self,
        claim: &Claim,
        model: &Model,
        title: &str,
        rows: &[PassageRow],
        pages: i32,
    ) -> std::result::Result<Progress, Stop> {
        let total = i32::try_from(rows.len()).unwrap_or(i32::MAX);
        let mut progress = Progress { pages, passages_total: total, percent: 15, ..Progress::default() };
        let (mut embedding, mut indexing) = (Duration::ZERO, Duration::ZERO);
        for part in rows.chunks(STEP) {
            self.report(claim, Stage::Embed, progress).await?;
            let clock = Instant::now();
            let texts: Vec<Parted> = part.iter().map(|row| in_sentences(title, row)).collect();
            let (vectors, reused) = self.vectors(claim, &model.embedder, part, &texts).await?;
            embedding += clock.elapsed();
            let clock = Instant::now();
            let points = part.iter().zip(texts).zip(vectors);
            let points = points.map(|((row, parted), kept)| point(claim, row, &parted.text, kept.dense));
            if !embedders::answers(&self.system, &self.store, claim, model.embedder.id()).await? {
                return Err(Stop::Switched);
            }
            model.index.upsert(claim.tenant, points.collect()).await?;
            indexing += clock.elapsed();
            progress.passages_done += i32::try_from(part.len()).unwrap_or(0);
            progress.passages_reused += i32::try_from(reused).unwrap_or(0);
            progress.percent = 15 + 75 * progress.passages_done / total.max(1);
        }
        self.report(claim, Stage::Index, progress).await?;
        let clock = Instant::now();
        model.index.flush(claim.tenant).await?;
        meter::took("embed", embedding);
        meter::took("index", indexing + clock.elapsed());
        Ok(progress)
    }

    /// The vectors of `rows` in their order, and how many of them the model did not have to make.
    async fn vectors(
        &self,
        claim: &Claim,
        embedder: &Embedder,
        rows: &[PassageRow],
        texts: &[Parted],
    ) -> std::result::Result<(Vec<KeptVectors>, usize), Stop> {
        let hashes: Vec<EmbeddedHash> = texts.iter().map(|parted| hash(embedder, &parted.text)).collect();
        let mut known = passage_vectors::known(&self.system, &self.store, claim, &hashes).await?;
        let new: Vec<usize> = (0..texts.len()).filter(|at| !known.contains_key(&hashes[*at])).collect();
        let tokens = new.iter().map(|at| u64::from(rows[*at].tokens)).sum();
        let wanted = new.iter().map(|at| texts[*at].clone()).collect();
        let made = read(embedder, wanted, self.batch_tokens).await?;
        known.extend(new.iter().map(|at| hashes[*at]).zip(made));
        let vectors: Option<Vec<KeptVectors>> = hashes.iter().map(|hash| known.get(hash).cloned()).collect();
        let vectors = vectors.ok_or_else(|| Error::internal("the embedder returned too little"))?;
        let kept = rows.iter().zip(&hashes).zip(&vectors);
        let kept: Vec<_> = kept.map(|((row, hash), vectors)| (row.id, *hash, vectors.clone())).collect();
        passage_vectors::save(&self.system, &self.store, claim, &kept).await?;
        let reused = texts.len() - new.len();
        meter::embedded(texts.len(), reused, tokens);
        Ok((vectors, reused))
    }
}

/// What the model makes of texts, as it is kept.
pub(crate) async fn read(embedder: &Embedder, texts: Vec<Parted>, batch_tokens: usize) -> Result<Vec<KeptVectors>> {
    let made = embedder.embed_passages(texts, batch_tokens).await.map_err(Error::internal)?;
    let kept = |made: Embedded| KeptVectors { sentences: pack(&made.parts, embedder.dim()), dense: made.whole };
    Ok(made.into_iter().map(kept).collect())
}

/// Under which the vectors of a text are known.
pub(crate) fn hash(embedder: &Embedder, text: &str) -> EmbeddedHash {
    *blake3::Hasher::new().update(embedder.id().as_bytes()).update(b"\n").update(text.as_bytes()).finalize().as_bytes()
}

/// Title and heading path are prepended for the models only; the stored text stays canonical. Cut
/// to a bound: a document may style a whole page as a heading, and the passage must still fit.
pub(crate) fn with_place(title: &str, row: &PassageRow) -> String {
    let mut place = vec![title];
    place.extend(row.heading.iter().map(String::as_str).filter(|heading| *heading != title));
    let place: String = place.join(" > ").chars().take(LONGEST_PLACE).collect();
    format!("{place}\n{}", row.text)
}

/// The passage as the embedding model reads it, its parts the sentences of its own text.
#[must_use]
pub fn in_sentences(title: &str, row: &PassageRow) -> Parted {
    let text = with_place(title, row);
    let before = text.len() - row.text.len();
    let parts = sentences(&row.text).into_iter().map(|range| range.start + before..range.end + before).collect();
    Parted { text, parts }
}

fn point(claim: &Claim, row: &PassageRow, text: &str, dense: Vec<f32>) -> Point {
    Point {
        id: row.id,
        dense,
        sparse: Bm25::document(text, &row.lang),
        document: claim.document,
        version: claim.version,
        library: claim.library,
        policy: claim.policy_tag,
        owner: claim.owner,
        lang: row.lang.clone(),
        current: false,
    }
}
