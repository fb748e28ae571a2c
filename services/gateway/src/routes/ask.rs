//! One question, one answer.

use super::door::Caller;
use super::table::{ASK, Answers, IdKind, Key, Place, RouteRule, Rule, Sends};
use crate::state::State;
use crate::watch::while_readable;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, web};
use fuente_contract::answer::Reply as AnswerReply;
use fuente_contract::evidence::Evidence;
use fuente_contract::limits;
use fuente_contract::{AnswerEvent, AskRequest, Error, Result};
use fuente_wire::Body;
use fuente_wire::problem::Reply;
use fuente_wire::sse::{self, Event};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use std::pin::{Pin, pin};
use utoipa::ToSchema;

pub(super) const RULES: &[RouteRule] = &[RouteRule::new("POST", "/v1/ask", Rule::SignedIn(Key::Scope(ASK)), || web::to(ask))
    .ids(&[(Place::Body, IdKind::Library), (Place::Body, IdKind::Document)])
    .sends(Sends::Json(r#"{"question":"How many days of leave do I have?","libraries":["$library"],"documents":["$document"],"max_tokens":16}"#))
    .answers(Answers::JsonOrEvents)];

/// Most earlier turns in one request.
const TURNS: usize = 20;

/// A whole answer, with the evidence it rests on.
#[derive(Serialize, ToSchema)]
struct Answered {
    #[serde(flatten)]
    reply: AnswerReply,
    /// What the answer was made from; every citation names one of these by number.
    evidence: Vec<Evidence>,
}

/// Ask
///
/// Answers from documents that the caller may read now, with a checkable citation for every
/// supported sentence, or says that they do not hold the answer (verdict `insufficient`).
///
/// With `Accept: text/event-stream` the answer arrives as it is made: `evidence`, `token`,
/// `citation`, `verdict`, `usage`, `done`; an `error` ends the stream at any point. Closing the
/// connection stops the answer. An answer ends with `conflict` where a document that it is made of
/// stops being readable before it is done.
#[utoipa::path(post, path = "/v1/ask", tag = "Asking", request_body = AskRequest,
    responses((status = 200, description = "The answer.", content((Answered = "application/json"), (String = "text/event-stream")))))]
async fn ask(req: HttpRequest, state: web::Data<State>, caller: Caller, body: Body<AskRequest>) -> Reply {
    check(&body.0)?;
    let events = state.answer.ask(&caller.scope, body.0).await?;
    let events = while_readable(state.into_inner(), caller.token, events);
    if !wants_events(&req) {
        return Ok(HttpResponse::Ok().json(whole(pin!(events)).await?));
    }
    Ok(sse::response(events.map(|event| Event::from(&event))))
}

/// Rules over the fields that their types cannot say.
pub(super) fn check(request: &AskRequest) -> Result<()> {
    limits::question("question", &request.question)?;
    if request.history.len() > TURNS {
        return Err(Error::invalid(format!("`history` may hold {TURNS} turns at most.")));
    }
    if request.history.iter().any(|turn| turn.question.contains('\0') || turn.answer.contains('\0')) {
        return Err(Error::invalid("`history` holds a NUL character. Take it out."));
    }
    Ok(())
}

fn wants_events(req: &HttpRequest) -> bool {
    let accept = req.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains(sse::MEDIA_TYPE))
}

async fn whole(mut events: Pin<&mut impl Stream<Item = AnswerEvent>>) -> Result<Answered> {
    let mut evidence = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            AnswerEvent::Evidence(found) => evidence = found,
            AnswerEvent::Done(reply) => return Ok(Answered { reply: *reply, evidence }),
            AnswerEvent::Error(error) => return Err(error),
            _ => {}
        }
    }
    Err(Error::internal("the answer ended without `done`"))
}
