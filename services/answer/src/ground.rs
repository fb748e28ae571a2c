//! `Question → Grounding`: an answer can only be made from a [`Grounding`], and a grounding only
//! from a search that the asker's rights went through.

use fuente_contract::answer::{AskRequest, Candidate, Nearest};
use fuente_contract::search::{SearchReply, SearchRequest};
use fuente_contract::{Error, Result, Scope, Search};

/// A question, ready to be searched for.
pub(crate) struct Question {
    /// As it can be searched for on its own.
    pub(crate) standalone: String,
}

/// What the asker may read about the question, at one epoch.
pub(crate) struct Grounding {
    pub(crate) question: Question,
    pub(crate) found: SearchReply,
}

impl Question {
    pub(crate) fn of(request: &AskRequest) -> Result<Self> {
        let text = request.question.trim();
        if text.is_empty() {
            return Err(Error::invalid("The question is empty."));
        }
        let standalone = crate::follow_up::standalone(text, &request.history);
        Ok(Self { standalone })
    }

    /// Searches as the asker.
    pub(crate) async fn ground(
        self,
        scope: &Scope,
        search: &dyn Search,
        request: &AskRequest,
        evidence_tokens: u32,
    ) -> Result<Grounding> {
        let wanted = SearchRequest {
            query: self.standalone.clone(),
            limit: Some(10),
            libraries: request.libraries.clone(),
            documents: request.documents.clone(),
            evidence_tokens: Some(evidence_tokens),
        };
        let found = search.search(scope, wanted).await?;
        Ok(Grounding { question: self, found })
    }
}

impl Grounding {
    /// For the trace: what was considered, best first.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let candidate = |hit: &fuente_contract::evidence::Hit| Candidate {
            passage: hit.passage,
            document: hit.document,
            scores: hit.scores,
        };
        self.found.hits.iter().map(candidate).collect()
    }

    /// Documents to offer where no answer is given, each once.
    pub(crate) fn nearest(&self) -> Vec<Nearest> {
        let mut nearest: Vec<Nearest> = Vec::new();
        for hit in &self.found.hits {
            if nearest.len() < 3 && nearest.iter().all(|known| known.document != hit.document) {
                nearest.push(Nearest { document: hit.document, title: hit.title.clone(), page: hit.page_from });
            }
        }
        nearest
    }
}
