//! Uploads: forms and plain bytes, streamed, limited, and never half a file.

use crate::running::{Running, Told};
use reqwest::Method;
use serde_json::json;

fn form(parts: &[(&str, &str)]) -> String {
    let part = |(name, value): &(&str, &str)| {
        let file = if *name == "file" { "; filename=\"C:\\\\docs\\\\año.pdf\"" } else { "" };
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--x--\r\n"
}

async fn post(running: &Running, parts: &[(&str, &str)]) -> Told {
    let request =
        running.as_admin(Method::POST, "/v1/admin/documents").header("content-type", "multipart/form-data; boundary=x");
    running.send(request.body(form(parts))).await
}

pub async fn files_stream_and_stop_at_the_limit(running: &Running) {
    let library =
        running.send(running.as_admin(Method::POST, "/v1/admin/libraries").json(&json!({"name": "L"}))).await.json();
    let library = library["id"].as_str().unwrap();
    let rules = r#"[{"effect":"allow","who":"everyone"}]"#;
    let accepted =
        post(running, &[("library", library), ("title", "T"), ("rules", rules), ("file", &"x".repeat(900_000))]).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    {
        let uploads = running.services.uploads.lock().unwrap();
        let (upload, size) = uploads.last().unwrap();
        assert_eq!(
            (upload.external_id.as_str(), upload.file_name.as_str(), upload.title.as_deref(), *size),
            ("año.pdf", "año.pdf", Some("T"), 900_000)
        );
        assert_eq!(upload.rules.as_ref().map(Vec::len), Some(1));
    }
    let path = format!("/v1/admin/libraries/{library}/documents/hr%2Fleave.md?title=Leave");
    let put = running.send(running.as_admin(Method::PUT, &path).body("# Leave")).await;
    assert_eq!(put.status, 202, "{}", put.text);
    let external = running
        .services
        .uploads
        .lock()
        .unwrap()
        .last()
        .map(|(upload, _)| (upload.external_id.clone(), upload.file_name.clone()));
    assert_eq!(external, Some(("hr/leave.md".into(), "leave.md".into())));

    let before = running.services.uploads.lock().unwrap().len();
    let big = "x".repeat(1_000_001);
    assert_eq!(post(running, &[("library", library), ("file", &big)]).await.status, 413);
    assert_eq!(running.send(running.as_admin(Method::PUT, &path).body(big.clone())).await.status, 413);
    let chunks = futures_util::stream::iter(vec![Ok::<_, std::io::Error>(big)]);
    let chunked = running.as_admin(Method::PUT, &path).body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(running.send(chunked).await.status, 413);
    for (what, parts, status) in [
        ("no library", vec![("file", "x")], 422),
        ("no file", vec![("library", library)], 422),
        ("unknown field", vec![("library", library), ("tenant_id", "x"), ("file", "x")], 422),
        ("twice", vec![("library", library), ("library", library), ("file", "x")], 422),
        ("after the file", vec![("library", library), ("file", "x"), ("title", "T")], 422),
        (
            "bad rules",
            vec![("library", library), ("rules", r#"[{"effect":"allow","who":{"all_of":[]}}]"#), ("file", "x")],
            422,
        ),
        ("malformed id", vec![("library", "x"), ("file", "x")], 404),
    ] {
        let reply = post(running, &parts).await;
        assert_eq!(reply.status, status, "{what}: {}", reply.text);
    }
    assert_eq!(running.services.uploads.lock().unwrap().len(), before, "a refused upload got through");
}
