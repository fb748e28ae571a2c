//! What is sent while Fuente is being killed, and what was acknowledged of it.

use crate::house::House;
use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use std::collections::{BTreeMap, BTreeSet};

/// What a document holds: the word that stands in every section, or nothing where it is deleted.
pub(super) type Content = Option<String>;

/// One change to send.
pub(super) struct Change {
    name: String,
    content: Content,
}

/// A change and whether it was acknowledged. What was not may have happened all the same.
pub(super) struct Outcome {
    change: Change,
    acknowledged: bool,
    /// The id that came back.
    document: Option<String>,
}

/// What each document may hold by now.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) held: BTreeMap<String, Entry>,
    pub(super) acknowledged: usize,
    made: usize,
}

#[derive(Default)]
pub(super) struct Entry {
    /// The last acknowledged content first, then those whose reply never came.
    pub(super) possible: Vec<Content>,
    /// Every word it ever held.
    pub(super) words: BTreeSet<String>,
    document: Option<String>,
}

impl Ledger {
    pub(super) fn documents(&self) -> usize {
        self.held.len()
    }

    /// A new document most of the time, else a new version, a removal, or the same again.
    pub(super) fn invent(&mut self, rng: &mut StdRng) -> Change {
        let known: Vec<&String> = self.held.keys().collect();
        let kind = if known.len() < 4 { 0 } else { rng.random_range(0..20) };
        if kind < 12 {
            self.made += 1;
            return Change { name: format!("document-{}", self.made), content: Some(word(rng)) };
        }
        let name = known[rng.random_range(0..known.len())].clone();
        let content = match kind {
            12..=16 => Some(word(rng)),
            17 | 18 => None,
            _ => self.held[&name].possible.last().cloned().flatten(),
        };
        Change { name, content }
    }

    pub(super) fn record(&mut self, outcomes: Vec<Outcome>) {
        for Outcome { change, acknowledged, document } in outcomes {
            let entry = self.held.entry(change.name).or_default();
            entry.words.extend(change.content.clone());
            entry.document = document.or(entry.document.take());
            if acknowledged {
                self.acknowledged += 1;
                entry.possible = vec![change.content];
            } else {
                // A document whose first upload got no reply may not be there at all.
                if entry.possible.is_empty() {
                    entry.possible.push(None);
                }
                entry.possible.push(change.content);
            }
        }
    }
}

/// A word that stands nowhere else.
fn word(rng: &mut StdRng) -> String {
    let (consonants, vowels) = (b"bcdfghklmnprtvz", b"aeiou");
    let syllable = |rng: &mut StdRng| {
        let (c, v) = (rng.random_range(0..consonants.len()), rng.random_range(0..vowels.len()));
        [char::from(consonants[c]), char::from(vowels[v])]
    };
    (0..6).flat_map(|_| syllable(rng)).collect::<String>() + "x"
}

/// A document of a few passages, its word in each.
pub(super) fn text(name: &str, word: &str) -> String {
    let section = |number: usize| {
        format!(
            "## Part {number}\n\nThe reference of this part is {word}. Part {number} of {name} says who keeps the key \
             of room {number}, when the room is cleaned, and how many people it seats. {}\n\n",
            "Whoever leaves last closes the windows, switches off the lights and tells the porter. ".repeat(9)
        )
    };
    format!("# About {name}\n\n{}", (1..=5).map(section).collect::<String>())
}

/// Sends the changes one after the other, until the process is gone.
pub(super) async fn send(house: &House, changes: Vec<Change>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for change in changes {
        let (acknowledged, document, gone) = match &change.content {
            Some(word) => upload(house, &change.name, word).await,
            None => remove(house, &change.name).await,
        };
        outcomes.push(Outcome { change, acknowledged, document });
        if gone {
            break;
        }
    }
    outcomes
}

/// Whether it was acknowledged, the document's id, and whether the process is gone.
async fn upload(house: &House, name: &str, word: &str) -> (bool, Option<String>, bool) {
    let path = format!("/v1/admin/libraries/{}/documents/{name}?file_name={name}.md", house.library);
    let Ok(reply) = house.admin.request(Method::PUT, &path).body(text(name, word)).send().await else {
        return (false, None, true);
    };
    let status = reply.status();
    match reply.json::<serde_json::Value>().await {
        Ok(accepted) if status.is_success() => (true, accepted["document"].as_str().map(str::to_owned), false),
        // A database that is just being killed answers 5xx; everything else would be a fault of the drill.
        Ok(problem) => {
            assert!(status.is_server_error(), "{status} {problem}");
            (false, None, false)
        }
        Err(_) => (false, None, true),
    }
}

async fn remove(house: &House, name: &str) -> (bool, Option<String>, bool) {
    let Some(document) = house.find(name).await else {
        // Not there, or not to be asked: nothing was sent, and nothing is known.
        return (false, None, false);
    };
    let reply = house.admin.request(Method::DELETE, &format!("/v1/admin/documents/{document}")).send().await;
    match reply {
        Ok(reply) => (reply.status().is_success(), None, false),
        Err(_) => (false, None, true),
    }
}

impl House {
    /// The id of the document with this external id.
    async fn find(&self, name: &str) -> Option<String> {
        let mut after = String::new();
        loop {
            let path = format!("/v1/admin/documents?limit=200{after}");
            let page: serde_json::Value =
                self.admin.request(Method::GET, &path).send().await.ok()?.json().await.ok()?;
            let named = |item: &&serde_json::Value| item["external_id"] == name;
            if let Some(found) = page["items"].as_array()?.iter().find(named) {
                return found["id"].as_str().map(str::to_owned);
            }
            after = format!("&after={}", page["next"].as_str()?);
        }
    }
}
