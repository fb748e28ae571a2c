//! Documents from upload to deletion: what is found, when, and what is left.

use crate::Case;
use fuente_tests::tenant::everyone;
use fuente_tests::{Person, Tenant, TestApp, events};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::path::Path;

pub fn cases() -> Vec<Case> {
    vec![
        Case::app("documents::a_new_version_replaces_the_old", a_new_version_replaces_the_old),
        Case::app("documents::a_new_version_embeds_only_what_changed", a_new_version_embeds_only_what_changed),
        Case::app("documents::a_deleted_document_is_gone_everywhere", a_deleted_document_is_gone_everywhere),
        Case::app("documents::a_job_tells_how_far_it_is", a_job_tells_how_far_it_is),
        Case::app(
            "documents::awkward_files_are_read_or_refused_with_advice",
            awkward_files_are_read_or_refused_with_advice,
        ),
    ]
}

const OLD: &str = "# Parking\n\nThe parking fee is 17 euros a month for every employee.\n";
const NEW: &str = "# Parking\n\nThe parking fee is 29 euros a month for every employee.\n";

/// Texts of the passages found.
async fn found(person: &Person, query: &str) -> String {
    let reply = person.post("/v1/search", json!({ "query": query })).await.ok();
    reply["hits"].as_array().into_iter().flatten().filter_map(|hit| hit["text"].as_str()).collect::<Vec<_>>().join("\n")
}

fn a_new_version_replaces_the_old(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "documents-versions").await;
        let library = tenant.library("All", everyone()).await;
        let first = tenant.publish(&library, "parking", OLD).await;
        assert!(found(&tenant.admin, "parking fee").await.contains("17 euros"));

        let same = tenant.upload(&library, "parking", "text.md", OLD).await.ok();
        assert_eq!((&same["unchanged"], &same["job"]), (&json!(true), &Value::Null), "{same}");
        assert_eq!(same["version"], first["version"]);

        let second = tenant.publish(&library, "parking", NEW).await;
        assert_eq!((&second["document"], &second["unchanged"]), (&first["document"], &json!(false)));
        assert_ne!(second["version"], first["version"]);
        for query in ["parking fee", "17 euros a month", "29 euros a month"] {
            let texts = found(&tenant.admin, query).await;
            assert!(texts.contains("29 euros") && !texts.contains("17 euros"), "{query}: {texts}");
        }
        let text = tenant
            .admin
            .get(&format!("/v1/documents/{}/text", second["document"].as_str().unwrap_or_default()))
            .await
            .ok();
        assert_eq!(text["version"], second["version"]);
        assert!(text["text"].as_str().is_some_and(|text| text.contains("29 euros")), "{text}");
    });
}

/// Forty rooms, the one with the number `odd` with a seat more.
fn rooms(odd: usize) -> String {
    let room = |number: usize| {
        let seats = number + 3 + usize::from(number == odd);
        format!("## Room {number}\n\nRoom {number} seats {seats} people and has one screen.\n\n")
    };
    (1..=40).map(room).collect()
}

fn a_new_version_embeds_only_what_changed(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "documents-changed").await;
        let library = tenant.library("All", everyone()).await;
        let publish = async |odd: usize| {
            let accepted = tenant.upload(&library, "rooms", "rooms.md", rooms(odd)).await.ok();
            let job = tenant.finished(&accepted).await;
            assert_eq!(job["state"], "done", "{job}");
            let progress = &job["progress"];
            assert_eq!(progress["passages_done"], progress["passages_total"], "{progress}");
            (progress["passages_total"].as_i64().expect("a count"), progress["passages_reused"].as_i64())
        };
        let (total, reused) = publish(0).await;
        assert!(total >= 3 && reused == Some(0), "{total} {reused:?}");
        assert_eq!(publish(22).await, (total, Some(total - 1)), "one passage holds room 22");
        let texts = found(&tenant.admin, "How many people does room 22 seat?").await;
        assert!(texts.contains("Room 22 seats 26") && !texts.contains("Room 22 seats 25"), "{texts}");
        assert!(found(&tenant.admin, "How many people does room 3 seat?").await.contains("Room 3 seats 6"));
        assert_eq!(publish(0).await, (total, Some(total - 1)), "what the version in between replaced is gone");
    });
}

fn a_deleted_document_is_gone_everywhere(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "documents-deleted").await;
        let library = tenant.library("All", everyone()).await;
        tenant.publish(&library, "parking", OLD).await;
        let accepted = tenant.publish(&library, "parking", NEW).await;
        let document = accepted["document"].as_str().unwrap_or_default();
        assert!(found(&tenant.admin, "parking fee").await.contains("29 euros"));

        let receipt = tenant.admin.delete(&format!("/v1/admin/documents/{document}")).await.ok();
        assert_eq!((&receipt["versions"], &receipt["blobs"]), (&json!(2), &json!(2)), "{receipt}");
        assert!(receipt["passages"].as_u64() >= Some(1) && receipt["vectors"].as_u64() >= Some(1), "{receipt}");
        assert_eq!(found(&tenant.admin, "parking fee").await, "");
        for path in [format!("/v1/documents/{document}"), format!("/v1/documents/{document}/text")] {
            assert_eq!(tenant.admin.get(&path).await.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(tenant.admin.delete(&format!("/v1/admin/documents/{document}")).await.status, StatusCode::NOT_FOUND);
        let left = tenant.admin.get("/v1/admin/documents").await.ok();
        assert_eq!(left["items"], json!([]));
        // The name is free again: the same bytes are a new document.
        let again = tenant.publish(&library, "parking", NEW).await;
        assert_ne!(again["document"], accepted["document"]);
        assert!(found(&tenant.admin, "parking fee").await.contains("29 euros"));
    });
}

fn a_job_tells_how_far_it_is(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "documents-jobs").await;
        let library = tenant.library("All", everyone()).await;
        let accepted = tenant.upload(&library, "rooms", "rooms.md", rooms(0)).await.ok();
        let job = accepted["job"].as_str().expect("a job");
        let stream = tenant.admin.get(&format!("/v1/admin/jobs/{job}/events")).await;
        let events = events::parse(&stream.body);
        assert!(events.iter().all(|event| event.name == "job" && event.data["id"] == job), "{events:?}");
        let percents: Vec<i64> = events.iter().filter_map(|event| event.data["progress"]["percent"].as_i64()).collect();
        assert!(percents.is_sorted(), "{percents:?}");
        let last = &events.last().expect("the stream ends with the job").data;
        assert_eq!(
            (&last["state"], &last["stage"], &last["progress"]["percent"]),
            (&json!("done"), &json!("publish"), &json!(100)),
            "{last}"
        );
        assert_eq!(last["progress"]["passages_done"], last["progress"]["passages_total"], "{last}");
        assert!(last["progress"]["passages_total"].as_i64() >= Some(1), "{last}");
        assert!(found(&tenant.admin, "How many people does room 22 seat?").await.contains("Room 22 seats 25"));
    });
}

fn awkward_files_are_read_or_refused_with_advice(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "documents-awkward").await;
        let library = tenant.library("All", everyone()).await;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/awkward");
        let send = async |name: &str| {
            let bytes = std::fs::read(folder.join(name)).expect("the fixture");
            tenant.upload(&library, name, name, bytes).await
        };
        for (name, code) in [("encrypted.pdf", "encrypted"), ("truncated.docx", "damaged"), ("empty.md", "empty")] {
            let job = tenant.finished(&send(name).await.ok()).await;
            assert_eq!((&job["state"], &job["error"]), (&json!("failed"), &json!(code)), "{name}: {job}");
            assert!(job["advice"].as_str().is_some_and(|advice| advice.len() > 20), "{name}: {job}");
        }
        for (name, expected) in
            [("latin-1.txt", &["próximo miércoles", "Muñoz"][..]), ("pdf-named.txt", &["blue badge"])]
        {
            let accepted = send(name).await.ok();
            let job = tenant.finished(&accepted).await;
            assert_eq!(job["state"], "done", "{name}: {job}");
            let text = tenant
                .admin
                .get(&format!("/v1/documents/{}/text", accepted["document"].as_str().unwrap_or_default()))
                .await
                .ok();
            let text = text["text"].as_str().unwrap_or_default();
            assert!(expected.iter().all(|words| text.contains(words)), "{name}: {text}");
        }
        // A file that was refused is no document that answers.
        let listed = tenant.admin.get("/v1/documents").await.ok();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{listed}");
    });
}
