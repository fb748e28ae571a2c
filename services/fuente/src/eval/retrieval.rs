//! recall@k over a parallel question set: every passage goes in as a document of its language's
//! library, every question comes out through the search service, as its user.

use super::{lines, verdict};
use crate::admin::operator;
use crate::assemble::{self, Running};
use crate::ingest::{bar, wait};
use anyhow::{Context, Result};
use fuente_contract::access::{Effect, Rule, Who};
use fuente_contract::document::Priority;
use fuente_contract::ingest::{ByteStream, Upload};
use fuente_contract::{Credential, LibraryId, Role, Scope, SearchRequest};
use fuente_settings::Settings;
use fuente_store::{NewUser, documents, libraries, tenants, users};
use futures_util::StreamExt;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Retrieval {
    /// Folder with passages.LANG.jsonl and questions.LANG.jsonl.
    folder: PathBuf,
    /// Languages, each searched for in each.
    #[arg(long, value_delimiter = ',', default_value = "en,es")]
    languages: Vec<String>,
    /// Use only every Nth question.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Fail where a bar is missed.
    #[arg(long)]
    check: bool,
}

#[derive(Deserialize)]
pub(super) struct PassageLine {
    pub(super) id: String,
    text: String,
}

#[derive(Deserialize)]
pub(super) struct QuestionLine {
    pub(super) question: String,
    pub(super) passage_id: Option<String>,
}

impl Retrieval {
    pub(crate) async fn run(self, mut settings: Settings) -> Result<ExitCode> {
        let folder = tempfile::tempdir_in(scratch(&settings)?)?;
        settings.data.directory = folder.path().to_owned();
        settings.gateway.port = 0;
        settings.telemetry.metrics_listen.clear();
        let running = assemble::start(&settings).await?;
        let measured = self.measure(&running).await;
        running.stop().await?;
        let (figures, missed) = measured?;
        Ok(verdict(&figures, &missed, self.check))
    }

    async fn measure(&self, running: &Running) -> Result<(serde_json::Value, Vec<String>)> {
        let scope = tenant(running).await?;
        let mut shelves = HashMap::new();
        for lang in &self.languages {
            shelves.insert(lang.clone(), fill(running, &scope, &self.folder, lang).await?);
        }
        let names = names(running, &scope).await?;
        let mut figures = serde_json::Map::new();
        let mut missed = Vec::new();
        for asked in &self.languages {
            for held in &self.languages {
                let (at1, at5, count) = self.recall(running, &scope, asked, held, shelves[held], &names).await?;
                eprintln!("{asked}→{held}: recall@1 {at1:.4}, recall@5 {at5:.4} over {count} questions");
                let least1 = match (asked == held, held.as_str()) {
                    (true, "en") => 0.95,
                    (true, _) => 0.92,
                    (false, _) => 0.0,
                };
                let least5 = if asked == held { 0.985 } else { 0.96 };
                if at1 < least1 || at5 < least5 {
                    missed.push(format!("{asked}→{held} recall@1 ≥ {least1}, recall@5 ≥ {least5}"));
                }
                figures.insert(
                    format!("{asked}_{held}"),
                    serde_json::json!({ "recall@1": at1, "recall@5": at5, "questions": count }),
                );
            }
        }
        Ok((figures.into(), missed))
    }

    async fn recall(
        &self,
        running: &Running,
        scope: &Scope,
        asked: &str,
        held: &str,
        shelf: LibraryId,
        names: &HashMap<fuente_contract::DocumentId, String>,
    ) -> Result<(f64, f64, usize)> {
        let questions: Vec<QuestionLine> = lines(&self.folder.join(format!("questions.{asked}.jsonl")))?;
        let questions: Vec<_> =
            questions.into_iter().filter(|line| line.passage_id.is_some()).step_by(self.every).collect();
        let progress = bar(questions.len() as u64, "questions");
        let (mut first, mut fifth) = (0u32, 0u32);
        for line in &questions {
            // Parallel sets differ in the language part of the id only.
            let wanted =
                line.passage_id.as_deref().unwrap_or_default().replace(&format!("-{asked}-"), &format!("-{held}-"));
            let request = SearchRequest {
                query: line.question.clone(),
                limit: Some(20),
                libraries: Some(vec![shelf]),
                ..SearchRequest::default()
            };
            let reply = running.search.search(scope, request).await?;
            let mut ranked: Vec<&str> = Vec::new();
            for hit in &reply.hits {
                let name = names.get(&hit.document).context("a hit outside the set")?;
                if !ranked.contains(&name.as_str()) {
                    ranked.push(name);
                }
            }
            first += u32::from(ranked.first().is_some_and(|name| *name == wanted));
            fifth += u32::from(ranked.iter().take(5).any(|name| *name == wanted));
            progress.inc(1);
        }
        progress.finish_and_clear();
        #[allow(clippy::cast_precision_loss)] // some thousand questions
        let count = questions.len().max(1) as f64;
        Ok((f64::from(first) / count, f64::from(fifth) / count, questions.len()))
    }
}

/// A tenant for one evaluation, and its administrator.
pub(super) async fn tenant(running: &Running) -> Result<Scope> {
    let tenant = tenants::create(&running.door.system(), &running.store, "eval", "Evaluation").await?;
    let new = NewUser {
        email: "eval@example.com".into(),
        name: "Evaluation".into(),
        password: None,
        role: Role::Admin,
        content_read: false,
    };
    let user = users::create(&operator(&running.door, tenant), &running.store, new).await?;
    Ok(running.door.admit(tenant, user.id, Role::Admin, false, Credential::Local))
}

/// Every passage of one language as a document of a library of its own.
pub(super) async fn fill(running: &Running, scope: &Scope, folder: &Path, lang: &str) -> Result<LibraryId> {
    let everyone = Rule { effect: Effect::Allow, who: Who::Everyone };
    let library = libraries::create(scope, &running.store, lang, "", vec![everyone]).await?;
    for passage in lines::<PassageLine>(&folder.join(format!("passages.{lang}.jsonl")))? {
        let upload = Upload {
            library: library.id,
            external_id: passage.id.clone(),
            file_name: format!("{}.txt", passage.id),
            // The sets name articles, not passages: the id as title adds no words to match.
            title: Some(passage.id),
            rules: None,
            metadata: None,
            priority: Priority::Bulk,
        };
        let bytes: ByteStream = futures_util::stream::iter([Ok(passage.text.into_bytes().into())]).boxed();
        running.ingest.accept(scope, upload, bytes).await?;
    }
    wait(scope, &running.store).await?;
    Ok(library.id)
}

/// External ids by document.
pub(super) async fn names(running: &Running, scope: &Scope) -> Result<HashMap<fuente_contract::DocumentId, String>> {
    let mut names = HashMap::new();
    let mut cursor = fuente_contract::Cursor { after: None, limit: Some(200) };
    loop {
        let page = documents::readable_list(scope, &running.store, None, &cursor).await?;
        names.extend(page.items.into_iter().map(|document| (document.id, document.external_id)));
        match page.next {
            Some(next) => cursor.after = Some(next),
            None => return Ok(names),
        }
    }
}

/// A place for throw-away data, beside the data directory (and so on its disk).
pub(crate) fn scratch(settings: &Settings) -> Result<PathBuf> {
    let place = settings.data.directory.parent().unwrap_or(&settings.data.directory).join("scratch");
    std::fs::create_dir_all(&place).with_context(|| format!("{} cannot be made.", place.display()))?;
    Ok(place)
}
