//! Access rules through the API: what they open, what they close, and that they do so at once.

use crate::Case;
use fuente_tests::tenant::{allow_groups, everyone, id, sign_in};
use fuente_tests::{Person, Tenant, TestApp, events};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub fn cases() -> Vec<Case> {
    vec![
        Case::app("rights::rules_decide_from_one_query_to_the_next", rules_decide_from_one_query_to_the_next),
        Case::app(
            "rights::old_answers_are_withheld_with_their_documents",
            old_answers_are_withheld_with_their_documents,
        ),
        Case::app("rights::an_answer_ends_with_the_right_to_read", an_answer_ends_with_the_right_to_read),
        Case::app("rights::a_library_without_rules_is_its_owners", a_library_without_rules_is_its_owners),
        Case::app(
            "rights::disabled_people_and_revoked_keys_are_out_at_once",
            disabled_people_and_revoked_keys_are_out_at_once,
        ),
        Case::app("rights::a_limited_key_writes_only_in_its_libraries", a_limited_key_writes_only_in_its_libraries),
    ]
}

const TEXT: &str =
    "# Bonus plan\n\nThe bonus plan pays every welder 412 euros in March. The bonus plan ends in 2031.\n";

/// Whether the document is there for `person`; all ways to it must agree.
async fn reads(person: &Person, document: &str) -> bool {
    let found = person.post("/v1/search", json!({ "query": "How much does the bonus plan pay?" })).await.ok();
    let found = found["hits"].as_array().is_some_and(|hits| hits.iter().any(|hit| hit["document"] == document));
    let shown = person.get(&format!("/v1/documents/{document}")).await.status;
    let text = person.get(&format!("/v1/documents/{document}/text")).await.status;
    let listed = person.get("/v1/documents").await.ok();
    let listed = listed["items"].as_array().is_some_and(|items| items.iter().any(|item| item["id"] == document));
    let expected = if found { StatusCode::OK } else { StatusCode::NOT_FOUND };
    assert_eq!((shown, text, listed), (expected, expected, found), "search, document, text and list disagree");
    found
}

fn user(effect: &str, user: &str) -> Value {
    json!({ "effect": effect, "who": { "user": user } })
}

fn rules_decide_from_one_query_to_the_next(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "rights-rules").await;
        let ((ann, ann_id), (bob, bob_id)) = (tenant.user("ann", "member").await, tenant.user("bob", "member").await);
        let (finance, leads, region) =
            (tenant.group("Finance").await, tenant.group("Leads").await, tenant.group("Region").await);
        tenant.nest(&leads, &region).await;
        let library = tenant.library("Bonuses", allow_groups(&[&finance, &leads])).await;
        let document =
            tenant.publish(&library, "bonus", TEXT).await["document"].as_str().unwrap_or_default().to_owned();
        let library_rules = format!("/v1/admin/libraries/{library}/rules");
        let own_rules = format!("/v1/admin/documents/{document}/rules");

        tenant.join(&finance, &ann_id).await;
        assert!(!reads(&ann, &document).await, "one of two groups is not enough");
        tenant.join(&region, &ann_id).await;
        assert!(reads(&ann, &document).await, "a group inside the other counts");
        assert!(!reads(&bob, &document).await, "nobody else is let in");

        let mut rules = allow_groups(&[&finance, &leads]);
        rules.as_array_mut().expect("a list").push(user("deny", &ann_id));
        tenant.admin.put(&library_rules, json!({ "rules": rules })).await.ok();
        assert!(!reads(&ann, &document).await, "a denial wins over any permission");
        let why = tenant.admin.get(&format!("/v1/admin/access/explain?user={ann_id}&document={document}")).await.ok();
        assert_eq!((&why["readable"], &why["rule"]["effect"]), (&json!(false), &json!("deny")), "{why}");
        tenant.admin.put(&library_rules, json!({ "rules": allow_groups(&[&finance, &leads]) })).await.ok();
        assert!(reads(&ann, &document).await);

        tenant.admin.put(&own_rules, json!({ "rules": [user("allow", &bob_id)] })).await.ok();
        assert!(!reads(&ann, &document).await, "its own rules replace the library's");
        assert!(reads(&bob, &document).await);
        tenant.admin.put(&own_rules, json!({ "rules": null })).await.ok();
        assert!(reads(&ann, &document).await, "and give way again");
        assert!(!reads(&bob, &document).await);

        tenant.leave(&region, &ann_id).await;
        assert!(!reads(&ann, &document).await, "the very next query knows");
    });
}

/// Somebody who may read the bonus plan through a group, with a conversation open.
struct Welder {
    ann: Person,
    ann_id: String,
    group: String,
    talk: String,
}

async fn welder(tenant: &Tenant) -> Welder {
    let (ann, ann_id) = tenant.user("ann", "member").await;
    let group = tenant.group("Welders").await;
    tenant.join(&group, &ann_id).await;
    let library = tenant.library("Bonuses", allow_groups(&[&group])).await;
    tenant.publish(&library, "bonus", TEXT).await;
    let talk = ann.post("/v1/conversations", json!({ "title": "Bonus" })).await.ok();
    Welder { talk: format!("/v1/conversations/{}", id(&talk)), ann, ann_id, group }
}

fn old_answers_are_withheld_with_their_documents(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "rights-old").await;
        let Welder { ann, ann_id, group, talk } = welder(&tenant).await;
        let question = json!({ "question": "How much does the bonus plan pay every welder?", "max_tokens": 24 });
        let events = events::post(&ann, &format!("{talk}/messages"), question).await;
        let evidence = events.iter().find(|event| event.name == "evidence").expect("evidence");
        assert!(evidence.data.to_string().contains("412"), "the question must rest on the document: {evidence:?}");
        let before = ann.get(&talk).await.ok();
        assert_eq!(before["messages"][0]["withheld"], false, "{before}");

        tenant.leave(&group, &ann_id).await;
        let after = ann.get(&talk).await;
        let message = after.ok()["messages"][0].clone();
        assert_eq!((&message["withheld"], message.get("reply")), (&json!(true), None), "{message}");
        assert!(!after.body.contains("412"), "{}", after.body);
        tenant.join(&group, &ann_id).await;
        assert_eq!(ann.get(&talk).await.ok()["messages"][0]["withheld"], false, "nothing was lost");
    });
}

fn an_answer_ends_with_the_right_to_read(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "rights-open").await;
        let Welder { ann, ann_id, group, talk } = welder(&tenant).await;
        let (found, path) = (Notify::new(), format!("{talk}/messages"));
        let question = json!({ "question": "How much does the bonus plan pay every welder?", "max_tokens": 64 });
        let asked = events::post_until(&ann, &path, question, |event| {
            if event.name == "evidence" {
                found.notify_one();
            }
            false
        });
        let left = async {
            found.notified().await;
            tenant.leave(&group, &ann_id).await;
        };
        let (events, ()) = tokio::join!(asked, left);
        let last = events.last().expect("events");
        assert_eq!((last.name.as_str(), &last.data["code"]), ("error", &json!("conflict")), "{events:?}");
        assert!(events.iter().all(|event| event.name != "done"), "{events:?}");
        assert_eq!(ann.get(&talk).await.ok()["messages"], json!([]), "nothing is stored");
    });
}

fn a_library_without_rules_is_its_owners(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "rights-owner").await;
        let (member, _) = tenant.user("member", "member").await;
        let (colleague, _) = tenant.user("colleague", "admin").await;
        let email = "lawyer@rights-owner.example";
        let lawyer = json!({ "email": email, "name": "Lawyer", "password": "a long enough one", "role": "admin", "content_read": true });
        tenant.admin.post("/v1/admin/users", lawyer).await.ok();
        let lawyer = sign_in(&app.url, "rights-owner", email).await;
        let library = tenant.library("Drafts", json!([])).await;
        let document = tenant.publish(&library, "bonus", TEXT).await["document"].as_str().unwrap_or_default().to_owned();
        assert!(reads(&tenant.admin, &document).await, "the owner");
        assert!(!reads(&member, &document).await, "a member");
        assert!(!reads(&colleague, &document).await, "an administrator manages, which is not reading");
        assert!(reads(&lawyer, &document).await, "an administrator who may read content");
        let managed = colleague.get(&format!("/v1/admin/documents?library={library}")).await.ok();
        assert_eq!(managed["items"].as_array().map(Vec::len), Some(1), "{managed}");
    });
}

fn disabled_people_and_revoked_keys_are_out_at_once(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "rights-gone").await;
        let (ann, ann_id) = tenant.user("ann", "member").await;
        let (_, secret) = tenant.key("first", &ann_id, &["search", "documents:read"], None).await;
        let (other_id, other) = tenant.key("second", &ann_id, &["search", "documents:read"], None).await;
        let (key, other) = (Person::holding(&app.url, &secret), Person::holding(&app.url, &other));
        let library = tenant.library("All", everyone()).await;
        let document =
            tenant.publish(&library, "bonus", TEXT).await["document"].as_str().unwrap_or_default().to_owned();
        assert!(reads(&ann, &document).await && reads(&key, &document).await && reads(&other, &document).await);

        tenant.admin.delete(&format!("/v1/admin/api-keys/{other_id}")).await.ok();
        assert_eq!(other.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
        assert!(reads(&key, &document).await, "only the one that was revoked");

        tenant.admin.put(&format!("/v1/admin/users/{ann_id}/status"), json!({ "active": false })).await.ok();
        for gone in [&ann, &key] {
            assert_eq!(gone.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(gone.post("/v1/search", json!({ "query": "bonus" })).await.status, StatusCode::UNAUTHORIZED);
        }
        let body =
            json!({ "tenant": "rights-gone", "email": "ann@rights-gone.example", "password": "a long enough one" });
        assert_eq!(Person::anonymous(&app.url).post("/v1/auth/sign-in", body).await.status, StatusCode::UNAUTHORIZED);
    });
}

fn a_limited_key_writes_only_in_its_libraries(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "rights-write").await;
        let (mine, other) = (tenant.library("Mine", everyone()).await, tenant.library("Other", everyone()).await);
        let (_, secret) = tenant.key("writes", &tenant.admin_id, &["documents:write"], Some(vec![&mine])).await;
        let key = Person::holding(&app.url, &secret);
        let theirs = tenant.publish(&other, "theirs", TEXT).await;
        let (document, job) =
            (theirs["document"].as_str().unwrap_or_default(), theirs["job"].as_str().unwrap_or_default());
        let put = |library: &str| {
            let path = format!("/v1/admin/libraries/{library}/documents/new?file_name=new.md");
            key.send(key.request(Method::PUT, &path).body(TEXT))
        };
        let own = format!("/v1/admin/documents/{document}");
        let mut refused = vec![put(&other).await, key.delete(&own).await];
        refused.push(key.put(&format!("{own}/rules"), json!({ "rules": everyone() })).await);
        refused.push(key.get(&format!("/v1/admin/jobs/{job}")).await);
        refused.push(key.get(&format!("/v1/admin/documents?library={other}")).await);
        for reply in refused {
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{}", reply.body);
        }
        assert_eq!(key.get("/v1/admin/jobs").await.status, StatusCode::FORBIDDEN, "a list of all jobs");
        assert!(reads(&tenant.admin, document).await, "nothing happened to it");

        let accepted = put(&mine).await.ok();
        let new = format!("/v1/admin/documents/{}", accepted["document"].as_str().unwrap_or_default());
        let job = format!("/v1/admin/jobs/{}", accepted["job"].as_str().unwrap_or_default());
        key.get(&job).await.ok();
        key.put(&format!("{new}/rules"), json!({ "rules": everyone() })).await.ok();
        key.delete(&new).await.ok();
    });
}
