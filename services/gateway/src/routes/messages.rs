//! Questions within a conversation.

use super::ask::check;
use super::door::Caller;
use super::table::{Answers, CONVERSATIONS, IdKind, Key, Place, RouteRule, Rule, Sends};
use crate::converse;
use crate::state::State;
use actix_web::web;
use fuente_contract::{AskRequest, ConversationId, DocumentId, LibraryId};
use fuente_wire::problem::Reply;
use fuente_wire::{Body, Id, sse};
use serde::Deserialize;
use utoipa::ToSchema;

pub(super) const RULES: &[RouteRule] =
    &[RouteRule::new("POST", "/v1/conversations/{id}/messages", Rule::SignedIn(Key::Scope(CONVERSATIONS)), || {
        web::to(send)
    })
    .ids(&[(Place::Path("id"), IdKind::Conversation), (Place::Body, IdKind::Library), (Place::Body, IdKind::Document)])
    .sends(Sends::Json(
        r#"{"question":"And for part-timers?","libraries":["$library"],"documents":["$document"],"max_tokens":16}"#,
    ))
    .answers(Answers::Events)];

/// A question. What was said before it in the conversation goes with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMessage {
    question: String,
    /// Only these libraries.
    #[serde(default)]
    libraries: Option<Vec<LibraryId>>,
    /// Only these documents.
    #[serde(default)]
    documents: Option<Vec<DocumentId>>,
    /// Most tokens to generate; the server's own limit if left out or larger.
    #[serde(default)]
    max_tokens: Option<u32>,
}

/// Ask within a conversation
///
/// The answer arrives as events: `evidence`, `token`, `citation`, `verdict`, `usage`, then
/// `message` (the id under which question and answer were stored) and `done`; an `error` ends the
/// stream at any point. Closing the connection stops the answer, and nothing is stored.
#[utoipa::path(post, path = "/v1/conversations/{id}/messages", tag = "Conversations", params(("id" = ConversationId, Path, description = "The conversation.")),
    request_body = NewMessage, responses((status = 200, description = "The events.", body = String, content_type = "text/event-stream")))]
async fn send(state: web::Data<State>, caller: Caller, id: Id<ConversationId>, body: Body<NewMessage>) -> Reply {
    let NewMessage { question, libraries, documents, max_tokens } = body.0;
    let request = AskRequest { question, libraries, documents, max_tokens, history: Vec::new() };
    check(&request)?;
    Ok(sse::response(converse::turn(state.into_inner(), caller, id.0, request).await?))
}
