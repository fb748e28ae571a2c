//! Services behind the gateway that show what reached them.

use fuente_contract::answer::{Reply, Trace, Usage, Verdict};
use fuente_contract::document::DeleteReceipt;
use fuente_contract::drift::Drift;
use fuente_contract::evidence::{Evidence, Hit, Scores};
use fuente_contract::ingest::{Accepted, ByteStream, Original, Upload};
use fuente_contract::search::{SearchTimings, Signals};
use fuente_contract::*;
use futures_util::StreamExt;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc;

/// All three in one.
pub struct Services {
    /// Uploads and their sizes, as far as they came whole.
    pub uploads: Mutex<Vec<(Upload, usize)>>,
    /// Histories that came with questions.
    pub histories: Mutex<Vec<usize>>,
    /// Told when an endless answer was dropped.
    pub dropped: mpsc::UnboundedSender<()>,
}

#[async_trait::async_trait]
impl Ingest for Services {
    async fn accept(&self, _: &Scope, upload: Upload, mut bytes: ByteStream) -> Result<Accepted> {
        let mut size = 0;
        while let Some(chunk) = bytes.next().await {
            size += chunk.map_err(Error::internal)?.len();
        }
        self.uploads.lock().unwrap().push((upload, size));
        Ok(Accepted {
            document: DocumentId::fresh(),
            version: VersionId::fresh(),
            job: Some(JobId::fresh()),
            unchanged: false,
        })
    }
    async fn delete(&self, _: &Scope, _: DocumentId) -> Result<DeleteReceipt> {
        Err(Error::not_found())
    }
    async fn retag(&self, _: &Scope, _: DocumentId) -> Result<()> {
        Ok(())
    }
    async fn reconcile(&self, _: &Scope, mended: bool) -> Result<Drift> {
        Ok(Drift { mended, ..Drift::default() })
    }
    async fn original(&self, _: &Scope, _: DocumentId, _: Option<VersionId>) -> Result<(Original, ByteStream)> {
        Err(Error::not_found())
    }
}

#[async_trait::async_trait]
impl Search for Services {
    async fn search(&self, _: &Scope, _: SearchRequest) -> Result<SearchReply> {
        Ok(SearchReply {
            hits: vec![],
            evidence: vec![],
            epoch: 1,
            lang: "en".into(),
            signals: Signals::default(),
            timings: SearchTimings::default(),
        })
    }
}

struct Told(mpsc::UnboundedSender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[async_trait::async_trait]
impl Answer for Services {
    async fn ask(&self, _: &Scope, request: AskRequest) -> Result<AnswerStream> {
        self.histories.lock().unwrap().push(request.history.len());
        let told = request.question.starts_with("endless").then(|| Told(self.dropped.clone()));
        if request.question == "full" {
            return Err(Error::unavailable("The queue is full.", 5));
        }
        Ok(async_stream::stream! {
            yield AnswerEvent::Evidence(if request.question.contains("gone") { vec![gone()] } else { vec![] });
            yield AnswerEvent::Token("line\nbreak".into());
            if let Some(_told) = told {
                loop {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    yield AnswerEvent::Token(".".into());
                }
            }
            yield AnswerEvent::Verdict(Verdict::Insufficient);
            yield AnswerEvent::Done(Box::new(reply(&request.question)));
        }
        .boxed())
    }
}

/// Evidence from a document that is not there (any more).
fn gone() -> Evidence {
    let hit = Hit {
        passage: PassageId::fresh(),
        document: DocumentId::fresh(),
        version: VersionId::fresh(),
        library: LibraryId::fresh(),
        title: "Gone".into(),
        heading: vec![],
        page_from: 1,
        page_to: 1,
        char_start: 0,
        char_end: 1,
        text: "x".into(),
        lang: "en".into(),
        scores: Scores::default(),
    };
    Evidence { number: 1, hit, sentences: vec![], best: 0 }
}

fn reply(question: &str) -> Reply {
    let trace = Trace {
        query: question.into(),
        lang: "en".into(),
        epoch: 1,
        candidates: vec![],
        evidence: vec![],
        signals: Signals::default(),
        judged: None,
        written: vec![],
        abstained: None,
        prompt_sha256: String::new(),
        model: String::new(),
        model_sha256: String::new(),
        sampling: String::new(),
        seed: 1,
        search: SearchTimings::default(),
        usage: Usage::default(),
    };
    Reply {
        text: "line\nbreak".into(),
        sentences: vec![],
        citations: vec![],
        verdict: Verdict::Insufficient,
        nearest: vec![],
        lang: "en".into(),
        trace,
    }
}
