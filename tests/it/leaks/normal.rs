//! Replies without what differs between any two calls, so that the rest can be compared.

use fuente_tests::people::Reply;
use serde_json::Value;
use uuid::Uuid;

/// Status, headers and body of a reply; ids, times and epochs replaced. `connection` is left out: it
/// tells whether the request's body had arrived when the call was refused, which is the network's doing.
pub fn form(reply: &Reply) -> (u16, Vec<String>, String) {
    let mut headers: Vec<String> = reply
        .headers
        .iter()
        .filter(|(name, _)| !["date", "content-length", "connection"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    (reply.status.as_u16(), headers, body(&reply.body))
}

/// A body; of a stream, the events without keep-alive comments.
pub fn body(text: &str) -> String {
    if let Ok(value) = serde_json::from_str(text) {
        return json(value);
    }
    let lines = text.lines().filter(|line| !line.starts_with(':') && !line.is_empty());
    let lines = lines.map(|line| match line.strip_prefix("data:").map(serde_json::from_str) {
        Some(Ok(value)) => format!("data: {}", json(value)),
        _ => ids(line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn json(mut value: Value) -> String {
    scrub(&mut value);
    ids(&value.to_string())
}

fn scrub(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(scrub),
        Value::Object(fields) => {
            // Present from the first use on; that a key was used is no change of what it is.
            fields.remove("last_used_at");
            for (key, value) in fields {
                let varies = ["timings", "search", "usage", "epoch", "at"].contains(&key.as_str())
                    || key.ends_with("_ms")
                    || key.ends_with("_at");
                if varies {
                    *value = Value::Null;
                } else {
                    scrub(value);
                }
            }
        }
        _ => {}
    }
}

/// The text with every id replaced: which id is asked for may be echoed, what it names may not.
fn ids(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(next) = rest.chars().next() {
        let id = rest.get(..36).filter(|start| start.as_bytes()[8] == b'-' && Uuid::parse_str(start).is_ok());
        if id.is_some() {
            out.push_str("<id>");
            rest = &rest[36..];
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}
