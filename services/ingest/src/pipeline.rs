//! The stages of one job: extract → chunk → embed → index → publish.
//!
//! Every stage may be repeated: ids are derived, writes replace, and only the fenced publish at
//! the end makes anything visible. A crash at any point is as if the job had not run yet.

use crate::chunk::{Chunk, chunk};
use crate::lang;
use crate::meter::timed;
use crate::models::{Model, Models};
use crate::sweep::Sweeper;
use fuente_contract::document::{Progress, Stage};
use fuente_contract::{Error, ErrorCode, PassageId, Result, SystemScope};
use fuente_extract::{ExtractError, Extracted, Jail};
use fuente_models::{Embedder, ModelError};
use fuente_store::blobs::Blobs;
use fuente_store::jobs::{self, Claim};
use fuente_store::{PassageRow, Store, TextRow, deletions};
use fuente_vectors::{PayloadPatch, Selector};
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

/// Why a job stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The file is at fault: no retry will help.
    File(ExtractError),
    /// Something of ours is at fault: worth another attempt.
    Fault(Error),
    /// Another worker took the job over, or it was cancelled.
    Lost,
    /// The tenant is searched with another embedding model by now: the job begins again, with that one.
    Switched,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

impl From<ModelError> for Stop {
    fn from(error: ModelError) -> Self {
        Self::Fault(Error::internal(error))
    }
}

/// What the stages need.
#[derive(Clone)]
pub(crate) struct Pipeline {
    pub(crate) system: SystemScope,
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) models: Models,
    pub(crate) jail: Jail,
    pub(crate) batch_tokens: usize,
    pub(crate) sweeper: Sweeper,
}

impl Pipeline {
    /// Runs all stages of `claim`, with the model that the tenant is searched with.
    pub(crate) async fn run(&self, claim: &Claim) -> Result<(), Stop> {
        let model = self.models.of(claim.tenant).await?;
        let ended = self.stages(claim, &model).await;
        if matches!(ended, Err(Stop::Switched)) {
            model.index.delete(claim.tenant, &Selector::Version(claim.version)).await?;
        }
        ended
    }

    async fn stages(&self, claim: &Claim, model: &Model) -> Result<(), Stop> {
        self.report(claim, Stage::Extract, Progress::default()).await?;
        let extracted = timed("extract", self.extract(claim)).await?;
        let pages = i32::try_from(extracted.pages.len()).unwrap_or(i32::MAX);
        self.report(claim, Stage::Chunk, Progress { pages, percent: 10, ..Progress::default() }).await?;
        let (title, rows) = timed("chunk", self.chunk(claim, &extracted, &model.embedder)).await?;
        let progress = self.embed_and_index(claim, model, &title, &rows, pages).await?;
        timed("publish", self.publish(claim, model, progress)).await
    }

    async fn extract(&self, claim: &Claim) -> Result<Extracted, Stop> {
        let file = tempfile::NamedTempFile::new().map_err(Error::internal)?;
        // Through a small buffer: an original may be larger than the memory there is.
        let mut original = match self.blobs.get_stream(&claim.blob_key).await {
            Err(error) if error.code == ErrorCode::NotFound => return Err(Stop::File(ExtractError::Lost)),
            original => original?,
        };
        let mut copy = tokio::fs::File::create(file.path()).await.map_err(Error::internal)?;
        while let Some(part) = original.next().await {
            copy.write_all(&part.map_err(Error::internal)?).await.map_err(Error::internal)?;
        }
        copy.flush().await.map_err(Error::internal)?;
        let extracted = self.jail.run(file.path(), &claim.file_name).await.map_err(Stop::File)?;
        Ok(storable(extracted))
    }

    async fn chunk(
        &self,
        claim: &Claim,
        extracted: &Extracted,
        embedder: &Embedder,
    ) -> Result<(String, Vec<PassageRow>), Stop> {
        let whole = lang::of(&extracted.text, "en");
        let text = TextRow {
            text: extracted.text.clone(),
            pages: extracted.pages.clone(),
            lang: whole.clone(),
            title: extracted.title.clone(),
            mime: extracted.mime.clone(),
        };
        let title = jobs::save_text(&self.system, &self.store, claim, &text).await?;
        let embedder = embedder.clone();
        let extracted = extracted.clone();
        let chunks = tokio::task::spawn_blocking(move || chunk(&extracted, &|text| embedder.count_tokens(text)))
            .await
            .map_err(Error::internal)?;
        let rows: Vec<PassageRow> = chunks.into_iter().map(|chunk| row(claim, chunk, &whole)).collect();
        if rows.is_empty() {
            tracing::info!(document = %claim.document, "the document holds no text");
            return Err(Stop::File(ExtractError::Empty));
        }
        jobs::save_passages(&self.system, &self.store, claim, &rows).await?;
        Ok((title, rows))
    }

    /// Both versions are marked current in the index for a moment; Postgres, which every hit is
    /// checked against, knows one at a time, so no query ever sees both or none. The tag is written
    /// with the mark: points that an earlier worker marked already kept the tag of its time.
    async fn publish(&self, claim: &Claim, model: &Model, progress: Progress) -> Result<(), Stop> {
        self.report(claim, Stage::Publish, Progress { percent: 95, ..progress }).await?;
        let (tenant, document) = (claim.tenant, claim.document);
        let live = PayloadPatch {
            policy: Some(claim.policy_tag),
            owner: Some(claim.owner),
            library: Some(claim.library),
            current: Some(true),
        };
        model.index.set_payload(tenant, &Selector::Version(claim.version), &live).await?;
        model.index.flush(tenant).await?;
        let published = jobs::publish(&self.system, &self.store, claim, model.embedder.id()).await?;
        let published = published.ok_or(Stop::Switched)?;
        // Rights may have changed since the claim: the tag is written again from what holds now.
        if (published.policy_tag, published.owner, published.library) != (claim.policy_tag, claim.owner, claim.library)
        {
            let patch = PayloadPatch {
                policy: Some(published.policy_tag),
                owner: Some(published.owner),
                library: Some(published.library),
                current: None,
            };
            self.models.set_payload(tenant, &Selector::Document(document), &patch).await?;
        }
        for deletion in &published.left {
            self.sweeper.begin(deletion).await;
        }
        Ok(())
    }

    /// After a job ended without a result: another worker or a delete may have been faster than the
    /// last write of this one. What it wrote for a version that answers no more goes again, and a
    /// version that answers gets the mark and the tag that hold now.
    pub(crate) async fn clean_up(&self, claim: &Claim) -> Result<()> {
        if let Some(left) = deletions::of_lost(&self.system, &self.store, claim).await? {
            self.sweeper.begin(&left).await;
            return Ok(());
        }
        let Some((policy, owner, library)) = jobs::live_tag(&self.system, &self.store, claim).await? else {
            return Ok(());
        };
        let patch =
            PayloadPatch { policy: Some(policy), owner: Some(owner), library: Some(library), current: Some(true) };
        self.models.set_payload(claim.tenant, &Selector::Version(claim.version), &patch).await
    }

    pub(crate) async fn report(&self, claim: &Claim, stage: Stage, progress: Progress) -> Result<(), Stop> {
        if jobs::progress(&self.system, &self.store, claim, stage, progress).await? { Ok(()) } else { Err(Stop::Lost) }
    }
}

/// What Postgres can hold: no NUL. The reader leaves none; but its process is the one that hostile
/// files reach. One character stands for one, so that every offset stays true.
fn storable(mut extracted: Extracted) -> Extracted {
    extracted.text = extracted.text.replace('\0', "\u{FFFD}");
    extracted.title = extracted.title.map(|title| title.replace('\0', "\u{FFFD}"));
    extracted.mime = extracted.mime.replace('\0', "");
    for page in &mut extracted.pages {
        page.label = page.label.take().map(|label| label.replace('\0', "\u{FFFD}"));
    }
    extracted
}

fn row(claim: &Claim, chunk: Chunk, whole: &str) -> PassageRow {
    PassageRow {
        id: PassageId::derive(claim.tenant, claim.document, claim.version, chunk.ordinal),
        ordinal: chunk.ordinal,
        char_start: chunk.char_start,
        char_end: chunk.char_end,
        page_from: chunk.page_from,
        page_to: chunk.page_to,
        heading: chunk.heading,
        lang: lang::of(&chunk.text, whole),
        text: chunk.text,
        tokens: chunk.tokens,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fuente_contract::document::PageStart;

    #[test]
    fn nul_becomes_a_character_of_its_own_length() {
        let extracted = Extracted {
            text: "a\0b".to_owned(),
            pages: vec![PageStart { page: 1, char_start: 0, label: Some("x\0".to_owned()) }],
            blocks: vec![],
            title: Some("\0".to_owned()),
            mime: "text/plain".to_owned(),
            warnings: vec![],
        };
        let kept = storable(extracted);
        assert_eq!((kept.text.as_str(), kept.title.as_deref()), ("a\u{FFFD}b", Some("\u{FFFD}")));
        assert_eq!(kept.pages[0].label.as_deref(), Some("x\u{FFFD}"));
    }
}
