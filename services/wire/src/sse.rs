//! Server-sent events: frames with ids, names and JSON data, kept alive by comments.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use bytes::Bytes;
use fuente_contract::{AnswerEvent, Error};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;

/// Media type of the stream.
pub const MEDIA_TYPE: &str = "text/event-stream";

/// Pause after which a comment is sent. It also bounds how long a vanished reader stays
/// unnoticed, since only a write can notice.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// One event: its name and its JSON data.
#[derive(Clone, Debug)]
pub struct Event {
    pub name: &'static str,
    pub data: String,
}

impl Event {
    /// An event whose data is `value` as JSON.
    pub fn new(name: &'static str, value: &impl Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(data) => Self { name, data },
            Err(error) => Self::error(&Error::internal(error)),
        }
    }

    /// The event that ends a stream early. Its cause is logged here and goes no further.
    #[must_use]
    pub fn error(error: &Error) -> Self {
        crate::problem::log(error);
        let data = serde_json::to_string(error).unwrap_or_else(|_| "{}".to_owned());
        Self { name: "error", data }
    }
}

impl From<&AnswerEvent> for Event {
    fn from(event: &AnswerEvent) -> Self {
        let name = event.name();
        match event {
            AnswerEvent::Evidence(evidence) => Self::new(name, evidence),
            AnswerEvent::Token(text) | AnswerEvent::Revised(text) => Self::new(name, text),
            AnswerEvent::Citation(citation) => Self::new(name, citation),
            AnswerEvent::Verdict(verdict) => Self::new(name, verdict),
            AnswerEvent::Usage(usage) => Self::new(name, usage),
            AnswerEvent::Done(reply) => Self::new(name, reply),
            AnswerEvent::Error(error) => Self::error(error),
        }
    }
}

/// Streams events, numbered from 1. The stream is dropped when the reader goes away.
pub fn response(events: impl Stream<Item = Event> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, MEDIA_TYPE))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies must pass each event on at once. Nothing here compresses, which would buffer too.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(frames(events, KEEP_ALIVE))
}

/// The bytes of the stream, with a comment in every pause of `keep_alive`.
pub fn frames(
    events: impl Stream<Item = Event> + 'static,
    keep_alive: Duration,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    async_stream::stream! {
        let mut events = Box::pin(events);
        let mut id = 0_u64;
        loop {
            match tokio::time::timeout(keep_alive, events.next()).await {
                Ok(Some(event)) => {
                    id += 1;
                    yield Ok(Bytes::from(format!("id: {id}\nevent: {}\ndata: {}\n\n", event.name, event.data)));
                }
                Ok(None) => break,
                Err(_) => yield Ok(Bytes::from_static(b": keep-alive\n\n")),
            }
        }
    }
}
