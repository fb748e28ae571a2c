//! Server-sent events, as a reader sees them.

use crate::people::Person;
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::Value;

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: Option<u64>,
    pub name: String,
    pub data: Value,
}

/// The events in the text of a stream; comments are no events.
pub fn parse(text: &str) -> Vec<Event> {
    text.split("\n\n").filter_map(event).collect()
}

fn event(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let name = field("event:")?.to_owned();
    let data = field("data:").unwrap_or("null");
    let data = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error} in {data}"));
    Some(Event { id: field("id:").and_then(|id| id.parse().ok()), name, data })
}

/// Posts `body` and reads the stream until `enough` says so of an event, or to its end. Leaving
/// early closes the connection.
pub async fn post_until(person: &Person, path: &str, body: Value, enough: impl Fn(&Event) -> bool) -> Vec<Event> {
    let request = person.request(Method::POST, path).header("accept", "text/event-stream").json(&body);
    let reply = request.send().await.expect("the server answers");
    assert!(reply.status().is_success(), "{} {:?}", reply.status(), reply.text().await);
    let (mut stream, mut bytes, mut events) = (reply.bytes_stream(), Vec::new(), Vec::new());
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.expect("the stream goes on"));
        let whole = bytes.windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
        let text = String::from_utf8(bytes.drain(..whole).collect()).expect("events are UTF-8");
        for event in parse(&text) {
            let last = enough(&event);
            events.push(event);
            if last {
                return events;
            }
        }
    }
    events
}

/// Posts `body` and reads the whole stream.
pub async fn post(person: &Person, path: &str, body: Value) -> Vec<Event> {
    post_until(person, path, body, |_| false).await
}
