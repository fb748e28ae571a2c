//! Uploads: forms and plain bytes, streamed, limited, and never half a file.

use crate::running::{Running, Told};
use reqwest::Method;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

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

    many_in_one_form(running, library).await;
    let (port, token) = (running.port, running.admin.clone());
    // On a thread of its own: connections to Postgres may live on this one.
    tokio::task::spawn_blocking(move || too_large_is_said_before_a_byte_is_sent(port, &token)).await.unwrap();
}

async fn many_in_one_form(running: &Running, library: &str) {
    let files = async |parts: &[(&str, &str)]| {
        // Of unknown length, as from a script that pipes.
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(form(parts))]));
        let request = running.as_admin(Method::POST, "/v1/admin/documents");
        let request = request.header("content-type", "multipart/form-data; boundary=x").body(body);
        let reply = running.send(request).await;
        let outcomes: Vec<_> = reply.json()["files"]
            .as_array()
            .map(|files| files.iter().map(|file| file["outcome"].as_str().unwrap().to_owned()).collect())
            .unwrap_or_default();
        (reply.status.as_u16(), outcomes.join(" "))
    };
    let (before, half) = (running.services.uploads.lock().unwrap().len(), "x".repeat(600_000));
    let bad = ("title", "");
    assert_eq!(
        files(&[("library", library), ("file", "1"), bad, ("file", "2"), ("file", "3")]).await,
        (202, "accepted refused accepted".into())
    );
    // Fields that no file follows: what was taken before them is taken.
    assert_eq!(files(&[("library", library), ("file", "x"), ("title", "T")]).await, (422, "accepted".into()));
    // The limit counts all files of a form together; a refused one is read past, and counts too.
    assert_eq!(
        files(&[("library", library), ("file", &half), ("file", &half), ("file", "x")]).await,
        (413, "accepted refused".into())
    );
    assert_eq!(
        files(&[("library", library), bad, ("file", &half), ("file", &half), ("file", "x")]).await,
        (413, "refused refused".into())
    );
    assert_eq!(files(&[("library", library), ("file", "x"), ("library", library)]).await, (422, "accepted".into()));
    let whole = running.services.uploads.lock().unwrap().len() - before;
    assert_eq!(whole, 5, "whole files, and no other");
}

/// Only the head is sent: the answer cannot have waited for the body.
fn too_large_is_said_before_a_byte_is_sent(port: u16, token: &str) {
    for (method, path, media) in [
        ("POST", "/v1/admin/documents", "multipart/form-data; boundary=x"),
        ("PUT", "/v1/admin/libraries/0190d5a8-0000-7000-8000-000000000000/documents/x", "application/octet-stream"),
    ] {
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: {media}\r\nContent-Length: 1073741824\r\n\r\n"
        );
        server.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        server.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 413", "{method}");
    }
}
