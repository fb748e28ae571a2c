//! `Answer` as a route: one JSON event a line, an empty line in every pause.

use crate::problem::{Reply, log};
use crate::remote::path;
use crate::request::{Body, BodyLimit};
use crate::seal::{Caller, Opener};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use fuente_contract::{Answer, AnswerEvent, AnswerStream, AskRequest, Error};
use futures_util::{Stream, StreamExt};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Pause after which an empty line is sent. Only a write notices that the caller has gone, so
/// this bounds how long a cancelled answer goes on.
const KEEP_ALIVE: Duration = Duration::from_millis(500);

/// A question carries its history, so its body may be larger than others.
const BODY: BodyLimit = BodyLimit(4 * 1024 * 1024);

/// Serves `service` to whoever holds the service secret.
pub fn answer(service: Arc<dyn Answer>, opener: Opener) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |config| {
        config.service(
            web::resource(path::ANSWER)
                .app_data(web::Data::from(Arc::clone(&service)))
                .app_data(opener.clone())
                .app_data(BODY)
                .route(web::post().to(run)),
        );
    }
}

async fn run(caller: Caller, service: web::Data<dyn Answer>, request: Body<AskRequest>) -> Reply {
    let events = service.ask(&caller.0, request.0).await?;
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines(events)))
}

/// Dropped by the server when the caller goes away, and `events` with it: that cancels the answer.
fn lines(mut events: AnswerStream) -> impl Stream<Item = Result<Bytes, Infallible>> {
    async_stream::stream! {
        loop {
            match tokio::time::timeout(KEEP_ALIVE, events.next()).await {
                Ok(Some(event)) => yield Ok(line(&event)),
                Ok(None) => break,
                Err(_) => yield Ok(Bytes::from_static(b"\n")),
            }
        }
    }
}

fn line(event: &AnswerEvent) -> Bytes {
    if let AnswerEvent::Error(error) = event {
        log(error);
    }
    let text = serde_json::to_string(event)
        .or_else(|error| serde_json::to_string(&AnswerEvent::Error(Error::internal(error))));
    Bytes::from(text.unwrap_or_default() + "\n")
}
