//! Streams: what they carry, who else sees it, and how they end.

use crate::running::Running;
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// Names and data of the events of a finished stream; ids must count from 1.
fn events(text: &str) -> Vec<(String, Value)> {
    let frames: Vec<_> = text.split("\n\n").filter(|frame| !frame.is_empty() && !frame.starts_with(':')).collect();
    let read = |(index, frame): (usize, &&str)| {
        let mut lines = frame.lines();
        assert_eq!(lines.next(), Some(format!("id: {}", index + 1).as_str()));
        let name = lines.next().and_then(|line| line.strip_prefix("event: ")).unwrap().to_owned();
        let data = lines.next().and_then(|line| line.strip_prefix("data: ")).unwrap();
        (name, serde_json::from_str(data).unwrap())
    };
    frames.iter().enumerate().map(read).collect()
}

async fn conversation(running: &Running) -> String {
    let created = running.send(running.as_member(Method::POST, "/v1/conversations").json(&json!({"title": "T"}))).await;
    assert_eq!(created.status, 201, "{}", created.text);
    format!("/v1/conversations/{}", created.json()["id"].as_str().unwrap())
}

pub async fn a_turn_is_streamed_stored_and_private(running: &Running) {
    let path = conversation(running).await;
    let messages = format!("{path}/messages");
    for turn in 0..2 {
        let reply = running.send(running.as_member(Method::POST, &messages).json(&json!({"question": "Q"}))).await;
        assert_eq!(reply.headers["content-type"], "text/event-stream");
        assert_eq!(reply.headers["x-accel-buffering"], "no");
        let events = events(&reply.text);
        let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["evidence", "token", "verdict", "message", "done"]);
        assert_eq!((&events[1].1, &events[4].1["text"]), (&json!("line\nbreak"), &json!("line\nbreak")));
        assert_eq!(running.services.histories.lock().unwrap().last(), Some(&turn));
    }
    let opened = running.send(running.as_member(Method::GET, &path)).await.json();
    assert_eq!(opened["messages"].as_array().map(Vec::len), Some(2));
    assert_eq!((&opened["messages"][0]["question"], &opened["messages"][0]["withheld"]), (&json!("Q"), &json!(false)));

    // Somebody else, an administrator even, sees what a random id shows.
    let nowhere = format!("/v1/conversations/{}", Uuid::now_v7());
    for (method, end, body) in [
        (Method::GET, "", None),
        (Method::DELETE, "", None),
        (Method::PATCH, "", Some(json!({"title": "X"}))),
        (Method::POST, "/messages", Some(json!({"question": "Q"}))),
    ] {
        let send = |path: &str| {
            let request = running.as_admin(method.clone(), &format!("{path}{end}"));
            running.send(match &body {
                Some(body) => request.json(body),
                None => request,
            })
        };
        let (theirs, random) = (send(&path).await, send(&nowhere).await);
        assert_eq!((theirs.status.as_u16(), &theirs.text), (404, &random.text), "{method} {end}");
    }
    assert_eq!(running.send(running.as_admin(Method::GET, "/v1/conversations")).await.json()["items"], json!([]));

    let ask = |accept: &str, question: &str| {
        running.send(
            running.as_member(Method::POST, "/v1/ask").header("accept", accept).json(&json!({"question": question})),
        )
    };
    let whole = ask("application/json", "Q").await.json();
    assert_eq!((&whole["verdict"], &whole["evidence"]), (&json!("insufficient"), &json!([])));
    assert_eq!(events(&ask("text/event-stream", "Q").await.text).last().unwrap().0, "done");
    let full = ask("text/event-stream", "full").await;
    assert_eq!((full.status.as_u16(), full.headers["retry-after"].to_str().unwrap()), (503, "5"));
    assert_eq!(ask("application/json", "  ").await.status, 422);
}

pub async fn leaving_stops_the_answer(running: &mut Running) {
    let path = conversation(running).await;
    let request = running.as_member(Method::POST, &format!("{path}/messages")).json(&json!({"question": "endless"}));
    let mut stream = request.send().await.unwrap().bytes_stream();
    assert!(stream.next().await.unwrap().unwrap().starts_with(b"id: 1\nevent: evidence\n"));
    assert!(running.dropped.try_recv().is_err(), "the answer must still run");
    drop(stream);
    tokio::time::timeout(Duration::from_secs(10), running.dropped.recv())
        .await
        .expect("cancelled in time")
        .expect("told");
    assert_eq!(running.send(running.as_member(Method::GET, &path)).await.json()["messages"], json!([]));
}

pub async fn an_answer_ends_with_its_sources(running: &mut Running) {
    let path = conversation(running).await;
    let ask = |path: &str, accept: &str, question: &str| {
        let request = running.as_member(Method::POST, path).header("accept", accept);
        running.send(request.json(&json!({"question": question})))
    };
    let whole = ask("/v1/ask", "application/json", "gone").await;
    assert_eq!((whole.status.as_u16(), &whole.json()["code"]), (409, &json!("conflict")), "{}", whole.text);
    // The one is stopped before `done`, the other, which has no end, on the way.
    for question in ["gone", "endless gone"] {
        let told = ask(&format!("{path}/messages"), "text/event-stream", question).await;
        let events = events(&told.text);
        let (name, data) = events.last().unwrap();
        assert_eq!((name.as_str(), &data["code"]), ("error", &json!("conflict")), "{question}");
        assert!(data["detail"].as_str().unwrap().contains("no longer available"), "{data}");
        assert!(events.iter().all(|(name, _)| !["message", "done"].contains(&name.as_str())), "{question}");
    }
    let told = tokio::time::timeout(Duration::from_secs(10), running.dropped.recv()).await;
    told.expect("the engine is freed").expect("told");
    assert_eq!(running.send(running.as_member(Method::GET, &path)).await.json()["messages"], json!([]));
}

pub async fn a_disabled_user_is_cut_off(running: &mut Running) {
    let request = running
        .as_member(Method::POST, "/v1/ask")
        .header("accept", "text/event-stream")
        .json(&json!({"question": "endless"}));
    let mut stream = request.send().await.unwrap().bytes_stream();
    assert!(stream.next().await.unwrap().is_ok());
    let member = running.send(running.as_member(Method::GET, "/v1/me")).await.json()["user"]["id"].clone();
    let path = format!("/v1/admin/users/{}/status", member.as_str().unwrap());
    assert_eq!(running.send(running.as_admin(Method::PUT, &path).json(&json!({"active": false}))).await.status, 200);
    assert_eq!(running.send(running.as_member(Method::GET, "/v1/me")).await.status, 401);
    let rest = tokio::time::timeout(
        Duration::from_secs(6),
        stream.map(|chunk| String::from_utf8_lossy(&chunk.unwrap()).into_owned()).collect::<String>(),
    );
    let rest = rest.await.expect("the open stream ends too");
    assert!(
        rest.trim_end().ends_with('}') && rest.contains("event: error\ndata: {\"code\":\"unauthenticated\""),
        "{rest}"
    );
}
