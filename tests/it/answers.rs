//! Answers by the real small model: the order of the stream, the proof behind every citation,
//! refusals, and that leaving frees the engine.

use crate::Case;
use fuente_contract::answer::Citation;
use fuente_tests::events::{self, Event};
use fuente_tests::tenant::{everyone, id};
use fuente_tests::{Person, Tenant, TestApp};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub fn cases() -> Vec<Case> {
    vec![
        Case::app(
            "answers::a_stream_is_ordered_and_its_citations_verify",
            a_stream_is_ordered_and_its_citations_verify,
        ),
        Case::app("answers::what_no_document_says_is_refused", what_no_document_says_is_refused),
        Case::app(
            "answers::leaving_frees_the_engine_for_a_stored_answer",
            leaving_frees_the_engine_for_a_stored_answer,
        ),
    ]
}

const TEXT: &str = "# Holidays\n\nEvery employee in the Lisbon office has 24 days of paid holidays a year. \
    Unused days expire on 31 March of the next year.\n\n\
    # Bicycles\n\nThe company lends a bicycle to whoever lives less than 12 kilometres away. \
    Repairs are paid by the company up to 150 euros a year.\n";

async fn office(app: &TestApp, slug: &str) -> (Tenant, Person) {
    let tenant = Tenant::make(app, slug).await;
    let (ann, _) = tenant.user("ann", "member").await;
    let library = tenant.library("Office", everyone()).await;
    tenant.publish(&library, "office", TEXT).await;
    (tenant, ann)
}

/// Names in their order, repetitions as one.
fn order(events: &[Event]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    names.dedup();
    names
}

fn named<'a>(events: &'a [Event], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event.name == name).map(|event| &event.data).collect()
}

/// Every citation of the reply stands, letter for letter, in the text that its reader may fetch.
async fn verify(person: &Person, citations: &[&Value]) {
    for citation in citations {
        let citation: Citation = serde_json::from_value((*citation).clone()).expect("a citation");
        let path = format!("/v1/documents/{}/text?version={}", citation.document, citation.version);
        let text = person.get(&path).await.ok();
        assert!(citation.verifies(text["text"].as_str().unwrap_or_default()), "{citation:?}");
    }
}

fn a_stream_is_ordered_and_its_citations_verify(app: &TestApp) {
    app.run(async {
        let (_, ann) = office(app, "answers-stream").await;
        let body = json!({ "question": "How many days of paid holidays does an employee in the Lisbon office have?", "max_tokens": 48 });
        let events = events::post(&ann, "/v1/ask", body).await;
        assert_eq!(order(&events), ["evidence", "token", "citation", "verdict", "usage", "done"], "{events:?}");
        let ids: Vec<u64> = events.iter().map(|event| event.id.expect("every event has an id")).collect();
        assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ids:?}");

        let (citations, done) = (named(&events, "citation"), named(&events, "done")[0]);
        let tokens: String = named(&events, "token").iter().filter_map(|token| token.as_str()).collect();
        assert!(tokens.contains("24"), "{tokens}");
        assert!(done["text"].as_str().is_some_and(|text| text.contains("24")), "{done}");
        assert_eq!(named(&events, "verdict")[0], &done["verdict"]);
        assert_eq!(done["citations"], json!(citations), "what was streamed is what is kept");
        assert!(citations.iter().any(|citation| citation["quote"].as_str().is_some_and(|quote| quote.contains("24 days"))), "{citations:?}");
        let numbers: Vec<&Value> = named(&events, "evidence")[0].as_array().expect("a list").iter().map(|evidence| &evidence["number"]).collect();
        assert!(citations.iter().all(|citation| numbers.contains(&&citation["evidence"])), "{citations:?} {numbers:?}");
        verify(&ann, &citations).await;
    });
}

fn what_no_document_says_is_refused(app: &TestApp) {
    app.run(async {
        let (_, ann) = office(app, "answers-refused").await;
        let body = json!({ "question": "What is the boiling point of tungsten at sea level?" });
        let events = events::post(&ann, "/v1/ask", body).await;
        let done = named(&events, "done")[0];
        assert_eq!((&done["verdict"], &done["citations"]), (&json!("insufficient"), &json!([])), "{done}");
        assert!(done["trace"]["abstained"].is_string(), "{done}");
        assert_eq!(done["trace"]["usage"]["answer_tokens"], 0, "not a token is spent on it: {done}");
    });
}

fn leaving_frees_the_engine_for_a_stored_answer(app: &TestApp) {
    app.run(async {
        let (_, ann) = office(app, "answers-left").await;
        let body =
            json!({ "question": "Tell me everything about the bicycles that the company lends and their repairs." });
        let left = events::post_until(&ann, "/v1/ask", body, |event| event.name == "token").await;
        assert_eq!(order(&left), ["evidence", "token"], "{left:?}");

        // The stream above is closed in mid-answer. The next question must not wait for its end.
        let talk = format!(
            "/v1/conversations/{}",
            id(&ann.post("/v1/conversations", json!({ "title": "Bicycles" })).await.ok())
        );
        let (start, question) = (Instant::now(), "Up to how many euros a year does the company pay for repairs?");
        let events =
            events::post(&ann, &format!("{talk}/messages"), json!({ "question": question, "max_tokens": 32 })).await;
        assert!(start.elapsed() < Duration::from_secs(30), "it took {:?}", start.elapsed());
        let names = order(&events);
        assert_eq!((names.first(), names.last()), (Some(&"evidence"), Some(&"done")), "{events:?}");
        let (message, done) = (named(&events, "message")[0], named(&events, "done")[0]);

        let stored = ann.get(&talk).await.ok();
        assert_eq!(
            stored["messages"].as_array().map(Vec::len),
            Some(1),
            "the answer that was left is not kept: {stored}"
        );
        assert_eq!(
            (&stored["messages"][0]["id"], &stored["messages"][0]["question"]),
            (&message["id"], &json!(question))
        );
        assert_eq!(stored["messages"][0]["reply"]["text"], done["text"]);
        verify(
            &ann,
            &stored["messages"][0]["reply"]["citations"].as_array().expect("a list").iter().collect::<Vec<_>>(),
        )
        .await;
        let listed = ann.get("/v1/conversations").await.ok();
        assert_eq!(listed["items"][0]["title"], "Bicycles", "{listed}");
    });
}
