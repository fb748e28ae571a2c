//! Many jobs at once: followed, counted, and tried again.

use crate::Case;
use fuente_tests::tenant::everyone;
use fuente_tests::{Tenant, TestApp, events};
use reqwest::StatusCode;
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    vec![
        Case::app("jobs::many_jobs_are_followed_at_once", many_jobs_are_followed_at_once),
        Case::app("jobs::all_that_failed_is_tried_again", all_that_failed_is_tried_again),
    ]
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn many_jobs_are_followed_at_once(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "uploads-follow").await;
        let (library, quiet) = (tenant.library("All", everyone()).await, tenant.library("Quiet", everyone()).await);
        let mut jobs = Vec::new();
        for number in 0..4 {
            let text = format!("# Note {number}\n\nThe note of the number {number}.\n");
            jobs.push(tenant.upload(&library, &format!("n{number}"), "note.md", text).await.ok()["job"].clone());
        }
        let stream = tenant.admin.get(&format!("/v1/admin/jobs/events?library={library}")).await;
        let events = events::parse(&stream.body);
        for job in &jobs {
            let last = events.iter().rfind(|event| event.name == "job" && event.data["id"] == *job);
            assert_eq!(last.map(|event| &event.data["state"]), Some(&json!("done")), "{events:?}");
        }
        let last = events.iter().rfind(|event| event.name == "summary").expect("a summary");
        assert_eq!(
            (&last.data["done"], &last.data["queued"], &last.data["running"]),
            (&json!(4), &json!(0), &json!(0))
        );

        let one = tenant.admin.get(&format!("/v1/admin/jobs?library={library}&state=done&limit=3")).await.ok();
        assert_eq!((one["items"].as_array().map(Vec::len), one["next"].is_string()), (Some(3), true));
        let document = text(&one["items"][0]["document"]);
        let of_one = tenant.admin.get(&format!("/v1/admin/jobs?document={document}")).await.ok();
        assert_eq!(
            (of_one["items"].as_array().map(Vec::len), &of_one["items"][0]["id"]),
            (Some(1), &one["items"][0]["id"])
        );
        let none = tenant.admin.get(&format!("/v1/admin/jobs?library={quiet}")).await.ok();
        assert_eq!(none["items"], json!([]));
        let summary = tenant.admin.get(&format!("/v1/admin/jobs/summary?document={document}")).await.ok();
        assert_eq!(
            (&summary["done"], &summary["failed"], &summary["document"]),
            (&json!(1), &json!(0), &json!(document))
        );
        assert_eq!(tenant.admin.get("/v1/admin/jobs?state=lost").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    });
}

fn all_that_failed_is_tried_again(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "uploads-retry").await;
        let (one, two) = (tenant.library("One", everyone()).await, tenant.library("Two", everyone()).await);
        let mut failed = Vec::new();
        for (library, name) in [(&one, "a"), (&one, "b"), (&two, "c")] {
            let accepted = tenant.upload(library, name, "empty.md", "").await.ok();
            assert_eq!(tenant.finished(&accepted).await["state"], "failed");
            failed.push(accepted);
        }
        // A newer version answers: what it replaced stays as it is.
        tenant.publish(&one, "b", "# B\n\nIt has a text now.\n").await;
        let retry = async |body: Value| tenant.admin.post("/v1/admin/jobs/retry", body).await;
        assert_eq!(retry(json!({})).await.ok()["jobs"], 0, "none is dead");
        assert_eq!(retry(json!({ "state": "failed", "library": one })).await.ok()["jobs"], 1);
        let job = tenant.finished(&failed[0]).await;
        assert_eq!((&job["state"], &job["attempt"]), (&json!("failed"), &json!(1)), "{job}");
        assert_eq!(retry(json!({ "state": "failed" })).await.ok()["jobs"], 2);
        for state in ["done", "running", "queued", "lost"] {
            assert_eq!(retry(json!({ "state": state })).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{state}");
        }
    });
}
