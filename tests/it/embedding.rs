//! The change of the embedding model with both real models: searched throughout, whatever happens meanwhile.

mod house;

use crate::Case;
use crate::faults::section;
use fuente_contract::DocumentId;
use fuente_tests::Person;
use fuente_tests::app::eventually;
use fuente_tests::tenant::everyone;
use fuente_vectors::testing::start_qdrant_grpc;
use fuente_vectors::{Selector, VectorIndex};
use house::{House, Poll};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub fn cases() -> Vec<Case> {
    vec![
        Case::plain(
            "embedding::questions_are_answered_throughout_a_change",
            questions_are_answered_throughout_a_change,
        ),
        Case::plain("embedding::a_change_outlives_a_kill_and_all_that_changes", a_change_outlives_a_kill),
    ]
}

const LONG: Duration = Duration::from_secs(240);
const DIM: usize = 384;
const E5: &str = "e5-small@1571fc982750";
const MINILM: &str = "minilm@53aa51172d14";
const QUESTION: &str = "What is the parking fee?";
const ANSWER: &str = "The parking fee is 17 euros";

async fn search(person: &Person, query: &str) -> Vec<Value> {
    let reply = person.post("/v1/search", json!({ "query": query, "limit": 10 })).await.ok();
    reply["hits"].as_array().unwrap_or_else(|| panic!("{reply}")).clone()
}

/// The cosine of the passage that answers; the two models give it very different ones.
fn answered(hits: &[Value]) -> f64 {
    let hit = hits.iter().find(|hit| hit["text"].as_str().is_some_and(|text| text.contains(ANSWER)));
    let hit = hit.unwrap_or_else(|| panic!("the answer is not among {hits:?}"));
    hit["scores"]["dense"].as_f64().expect("a cosine")
}

fn of<'a>(hits: &'a [Value], document: &str) -> Vec<&'a Value> {
    hits.iter().filter(|hit| hit["document"] == document).collect()
}

/// Replies of the model before, then only ones of the next.
fn switched_once(asked: &[(Duration, f64)], before: f64, after: f64) -> usize {
    let is = |score: f64, of: f64| (score - of).abs() < 0.01;
    let first = asked.iter().take_while(|(_, score)| is(*score, before)).count();
    assert!(first > 0 && first < asked.len(), "{first} of {} replies are of the model before", asked.len());
    assert!(asked[first..].iter().all(|(_, score)| is(*score, after)), "{before} {after} {asked:?}");
    first
}

fn rooms(from: u32) -> String {
    (from..from + 40).map(section).collect()
}

fn document(accepted: &Value) -> (String, DocumentId) {
    let id = accepted["document"].as_str().unwrap_or_else(|| panic!("{accepted}")).to_owned();
    let parsed = id.parse().expect("an id");
    (id, parsed)
}

fn questions_are_answered_throughout_a_change() {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let mut house = House::open().await;
        house.start("e5-small").await;
        let library = house.tenant.library("All", everyone()).await;
        house.tenant.publish(&library, "rooms", &rooms(1)).await;
        house.tenant.publish(&library, "halls", &rooms(101)).await;
        house.tenant.publish(&library, "parking", &format!("# Parking\n\n{ANSWER} a day.\n")).await;
        let state = house.state().await;
        assert_eq!((&state["model"], &state["changing"]), (&json!(E5), &json!(false)), "{state}");
        let before = answered(&search(&house.tenant.admin, QUESTION).await);
        house.stop("-TERM");

        let held = house.hold().await;
        house.start("minilm").await;
        let poll = Poll::of(&house.tenant.admin, QUESTION, answered);
        poll.more(30).await;
        let state = house.state().await;
        assert_eq!((&state["model"], &state["wanted"], &state["changing"]), (&json!(E5), &json!(MINILM), &json!(true)));
        let clock = Instant::now();
        house.let_go(held).await;
        house.changed().await;
        let took = clock.elapsed();
        let place = |name: &str| house.folder.path().join(name).join(house.id.to_string());
        eventually(LONG, "the end of the index before", || {
            std::future::ready((!place("vectors").exists()).then_some(()))
        })
        .await;
        poll.more(30).await;
        let asked = poll.end().await;
        let after = answered(&search(&house.tenant.admin, QUESTION).await);
        assert!((before - after).abs() > 0.05, "the scores tell the models apart: {before} {after}");
        let first = switched_once(&asked, before, after);
        assert!(place("vectors-minilm-53aa51172d14").exists());
        house.agrees().await;
        let mut times: Vec<Duration> = asked[30..first].iter().map(|(took, _)| *took).collect();
        times.sort_unstable();
        let part = |of: usize| times.get(times.len() * of / 100).copied().unwrap_or_default();
        let points = house.tenant.admin.post("/v1/admin/reconcile", json!({ "mend": false })).await.ok();
        eprintln!(
            "{} passages changed in {took:?}; {} searches meanwhile, median {:?}, p95 {:?}",
            points["passages"],
            times.len(),
            part(50),
            part(95)
        );
        house.stop("-TERM");
        house.close().await;
    });
}

fn a_change_outlives_a_kill() {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let mut house = House::open().await;
        let qdrant = start_qdrant_grpc(&house.folder.path().join("qdrant")).await.expect("the vector server");
        house.variables.extend([
            ("FUENTE__VECTORS__MODE", "server".to_owned()),
            ("FUENTE__VECTORS__URL", qdrant.url().to_owned()),
        ]);
        let current = fuente_vectors::server(qdrant.url(), None, "fuente", DIM).await.expect("the index");
        let next = fuente_vectors::server(qdrant.url(), None, "fuente-minilm-53aa51172d14", DIM).await;
        let next = next.expect("the next index");
        killed_and_changed(&mut house, &*current, &*next).await;
        house.stop("-TERM");
        // Its folder goes with the house.
        qdrant.stop().await.expect("the vector server stops");
        house.close().await;
    });
}

async fn killed_and_changed(house: &mut House, current: &dyn VectorIndex, next: &dyn VectorIndex) {
    house.start("e5-small").await;
    let tenant = house.id;
    let (ann, _) = house.tenant.user("ann", "member").await;
    let library = house.tenant.library("All", everyone()).await;
    house.tenant.publish(&library, "parking", &format!("# Parking\n\n{ANSWER} a day.\n")).await;
    let closed = document(&house.tenant.publish(&library, "closed", &rooms(1)).await);
    let gone = document(&house.tenant.publish(&library, "gone", &rooms(101)).await);
    let renewed = document(&house.tenant.publish(&library, "renewed", &rooms(201)).await);
    let before = answered(&search(&house.tenant.admin, QUESTION).await);
    house.stop("-TERM");

    // Killed in the middle, with an index that is filled by half.
    house.start("minilm").await;
    let total = eventually(LONG, "the middle of the change", || async {
        let state = house.state().await;
        let (done, total) = (state["passages_done"].as_i64().unwrap_or(0), state["passages_total"].as_i64()?);
        assert_eq!(state["model"], E5, "the change was over before it could be interrupted: {state}");
        for (_, id) in [&closed, &gone, &renewed] {
            let points = next.count(tenant, &Selector::Document(*id)).await.expect("a count");
            (points > 0).then_some(())?;
        }
        (done > 0 && done < total).then_some(total)
    })
    .await;
    house.stop("-KILL");
    let held = house.hold().await;
    // Vectors that were kept, but whose point was not: as where the kill comes between the two.
    let points = next.held(tenant, None, 10_000).await.expect("what is held");
    let lost = points.iter().find(|held| held.tag.is_some_and(|tag| tag.document == closed.1)).expect("a point").id;
    next.delete(tenant, &Selector::Passages(vec![lost])).await.expect("it goes");
    assert!(next.count(tenant, &Selector::All).await.expect("a count") < u64::try_from(total).expect("a count"));

    house.start("minilm").await;
    let poll = Poll::of(&house.tenant.admin, QUESTION, answered);
    poll.more(10).await;
    let screens = "How many screens has Room 7 on wall 4?";
    assert!(!of(&search(&ann, screens).await, &closed.0).is_empty(), "ann reads it, still");
    let tags = async |index: &dyn VectorIndex| {
        let held = index.held(tenant, None, 10_000).await.expect("what is held");
        let tags = held.iter().filter_map(|held| held.tag).filter(|tag| tag.document == closed.1);
        tags.map(|tag| tag.policy).collect::<std::collections::BTreeSet<i64>>()
    };
    let everyones = tags(next).await;
    let group = house.tenant.group("Nobody").await;
    let rules = json!({ "rules": [{ "effect": "allow", "who": { "all_of": [group] } }] });
    house.tenant.admin.put(&format!("/v1/admin/documents/{}/rules", closed.0), rules).await.ok();
    let shut = closed.0.clone();
    let never = Poll::of(&ann, screens, move |hits| {
        assert!(of(hits, &shut).is_empty(), "ann may not read it any more: {hits:?}");
        0.0
    });
    assert!(tags(next).await == tags(current).await && tags(next).await != everyones, "both indexes know the change");
    house.tenant.admin.delete(&format!("/v1/admin/documents/{}", gone.0)).await.ok();
    house.tenant.publish(&library, "renewed", &rooms(301)).await;
    // The job is done a moment before the old version's points are removed.
    eventually(Duration::from_secs(20), "the end of old points in the next index", || async {
        let mut left = 0;
        for (_, id) in [&gone, &renewed] {
            left += next.count(tenant, &Selector::Document(*id)).await.expect("a count");
        }
        (left == 0).then_some(())
    })
    .await;
    house.tenant.publish(&library, "bicycles", "# Bicycles\n\nA bicycle is lent for 23 euros.\n").await;
    let state = house.state().await;
    assert_eq!((&state["model"], &state["changing"]), (&json!(E5), &json!(true)), "{state}");
    assert!((answered(&search(&house.tenant.admin, QUESTION).await) - before).abs() < 0.01);

    // From here on it goes on; a document comes while it does, perhaps just as the model changes.
    house.let_go(held).await;
    let late = house.tenant.upload(&library, "late", "text.md", rooms(401)).await.ok();
    house.changed().await;
    assert_eq!(house.tenant.finished(&late).await["state"], "done");
    eventually(LONG, "the end of the index before", || async {
        (current.count(tenant, &Selector::All).await.expect("a count") == 0).then_some(())
    })
    .await;
    poll.more(10).await;
    never.more(10).await;
    never.end().await;
    let after = answered(&search(&house.tenant.admin, QUESTION).await);
    assert!((before - after).abs() > 0.05, "the scores tell the models apart: {before} {after}");
    switched_once(&poll.end().await, before, after);
    house.agrees().await;
    found(house, &renewed.0, &document(&late).0, &gone.0).await;
}

/// What is found after the change, by the new model.
async fn found(house: &House, renewed: &str, late: &str, gone: &str) {
    let admin = &house.tenant.admin;
    assert!(
        search(admin, "What does it cost to borrow a bicycle?")
            .await
            .iter()
            .any(|hit| { hit["text"].as_str().is_some_and(|text| text.contains("23 euros")) })
    );
    assert!(!of(&search(admin, "How many screens has Room 407 on wall 4?").await, late).is_empty());
    let new = search(admin, "How many screens has Room 307 on wall 4?").await;
    assert!(!of(&new, renewed).is_empty());
    for question in ["How many screens has Room 207 on wall 4?", "How many screens has Room 107 on wall 4?"] {
        let hits = search(admin, question).await;
        assert!(of(&hits, gone).is_empty(), "deleted: {hits:?}");
        let old =
            of(&hits, renewed).into_iter().any(|hit| hit["text"].as_str().is_some_and(|text| text.contains("Room 2")));
        assert!(!old, "the version before: {hits:?}");
    }
}
