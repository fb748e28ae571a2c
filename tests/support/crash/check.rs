//! After the last start: does every document hold what was acknowledged, once, and do the stores agree?

use super::load::{Content, Entry, Ledger};
use super::watcher::Watcher;
use crate::house::House;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) documents: usize,
    pub(super) acknowledged: usize,
    /// Acknowledged, and not there.
    pub(super) lost: usize,
    /// There, with a content that nobody sent last.
    pub(super) wrong: usize,
    /// An old content is found beside the new one.
    pub(super) doubled: usize,
    /// Jobs that gave up after too many kills and were tried again by hand.
    pub(super) redriven: usize,
    /// Disagreements of the stores that the reconciler found, and found after it had mended them.
    pub(super) drift: usize,
    pub(super) drift_left: usize,
    /// What exactly is amiss, for whoever looks for the cause.
    pub(super) amiss: Vec<String>,
}

pub(super) async fn everything(house: &House, ledger: &Ledger) -> Found {
    let mut found = Found { acknowledged: ledger.acknowledged, ..Found::default() };
    found.redriven = redrive(house).await;
    found.drift = drift(house).await;
    found.drift_left = drift(house).await;
    let answering = answering(house).await;
    found.documents = answering.len();
    for (name, entry) in &ledger.held {
        match answering.get(name) {
            None if entry.possible.contains(&None) => {}
            None => {
                found.lost += 1;
                found.amiss.push(format!("{name} is not there; it should hold {:?}", entry.possible));
            }
            Some(document) => one(house, document, entry, &mut found).await,
        }
    }
    found.wrong += answering.keys().filter(|name| !ledger.held.contains_key(*name)).count();
    found
}

async fn one(house: &House, document: &str, entry: &Entry, found: &mut Found) {
    let text = house.admin.get(&format!("/v1/documents/{document}/text")).await.ok();
    let text = text["text"].as_str().unwrap_or_default();
    let held: Vec<&String> = entry.words.iter().filter(|word| text.contains(word.as_str())).collect();
    let due = |content: &Content| content.as_ref().is_some_and(|word| held == [word]);
    if !entry.possible.iter().any(due) {
        found.wrong += 1;
        let jobs = house.admin.get("/v1/admin/jobs?limit=200").await.ok();
        let own = |job: &&Value| job["document"] == *document;
        let jobs: Vec<&Value> = jobs["items"].as_array().into_iter().flatten().filter(own).collect();
        found.amiss.push(format!(
            "{document} holds {held:?} of {:?}; it should hold one of {:?}; its jobs: {jobs:?}",
            entry.words, entry.possible
        ));
        return;
    }
    // By search, too: what the rows say and what the index finds are two things.
    let [word] = held[..] else { return };
    let hits =
        house.admin.post("/v1/search", json!({ "query": format!("The reference is {word}"), "limit": 20 })).await.ok();
    let hits = hits["hits"].as_array().cloned().unwrap_or_default();
    let own = |hit: &&Value| hit["document"] == *document;
    let texts: Vec<&str> = hits.iter().filter(own).filter_map(|hit| hit["text"].as_str()).collect();
    if !texts.iter().any(|text| text.contains(word.as_str())) {
        found.lost += 1;
        found.amiss.push(format!("{document} is not found by {word}"));
    }
    let old = |text: &&str| entry.words.iter().any(|other| other != word && text.contains(other.as_str()));
    found.doubled += usize::from(texts.iter().any(old));
}

/// External id and id of every document that answers.
async fn answering(house: &House) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = house.admin.get(&format!("/v1/documents?limit=200{after}")).await.ok();
        let field = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        all.extend(items.iter().map(|item| (field(item, "external_id"), field(item, "id"))));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

/// Tries jobs again that were in hand at too many kills, as an administrator would.
async fn redrive(house: &House) -> usize {
    let mut again = 0;
    let mut after = String::new();
    loop {
        let page = house.admin.get(&format!("/v1/admin/jobs?limit=200{after}")).await.ok();
        for job in page["items"].as_array().into_iter().flatten().filter(|job| job["state"] == "dead") {
            let id = job["id"].as_str().unwrap_or_default();
            again += usize::from(
                house.admin.post(&format!("/v1/admin/jobs/{id}/retry"), json!({})).await.status.is_success(),
            );
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    Watcher(house.admin.clone()).settled().await;
    again
}

/// Disagreements of the stores; mends them.
async fn drift(house: &House) -> usize {
    let drift = house.admin.post("/v1/admin/reconcile", json!({ "mend": true })).await.ok();
    let count = |name: &str| drift[name].as_u64().unwrap_or(1) as usize;
    ["orphan_points", "missing_points", "stale_points", "orphan_files", "missing_files"].map(count).iter().sum()
}
