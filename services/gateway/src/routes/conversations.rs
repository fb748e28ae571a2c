//! The caller's own conversations.

use super::door::Caller;
use super::params::ListParams;
use super::table::{CONVERSATIONS, IdKind, Key, Place, RouteRule, Rule, Sends};
use crate::state::State;
use actix_web::{HttpResponse, web};
use fuente_contract::answer::Reply as AnswerReply;
use fuente_contract::{ConversationId, Error, MessageId, Page, Result};
use fuente_store::conversations::{self, ConversationInfo};
use fuente_store::messages::{self, StoredMessage};
use fuente_wire::problem::Reply;
use fuente_wire::{Body, Id, Params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const KEY: Rule = Rule::SignedIn(Key::Scope(CONVERSATIONS));
const ID: &[(Place, IdKind)] = &[(Place::Path("id"), IdKind::Conversation)];

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("POST", "/v1/conversations", KEY, || web::to(create)).sends(Sends::Json(r#"{"title":"Leave"}"#)),
    RouteRule::new("GET", "/v1/conversations", KEY, || web::to(list)),
    RouteRule::new("GET", "/v1/conversations/{id}", KEY, || web::to(show)).ids(ID),
    RouteRule::new("PATCH", "/v1/conversations/{id}", KEY, || web::to(rename))
        .ids(ID)
        .sends(Sends::Json(r#"{"title":"Leave"}"#)),
    RouteRule::new("DELETE", "/v1/conversations/{id}", KEY, || web::to(delete)).ids(ID),
];

/// A conversation to create, or its new title.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Titled {
    /// 1 to 200 characters.
    title: String,
}

impl Titled {
    fn check(self) -> Result<String> {
        let title = self.title.trim();
        if title.is_empty() || title.chars().count() > 200 {
            return Err(Error::invalid("`title` must have 1 to 200 characters."));
        }
        Ok(title.to_owned())
    }
}

/// A conversation.
#[derive(Serialize, ToSchema)]
#[schema(as = Conversation)]
struct ConversationView {
    id: ConversationId,
    title: String,
    /// RFC 3339.
    updated_at: String,
}

impl From<ConversationInfo> for ConversationView {
    fn from(info: ConversationInfo) -> Self {
        let ConversationInfo { id, title, updated_at } = info;
        Self { id, title, updated_at }
    }
}

/// A question and its answer.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
struct MessageView {
    id: MessageId,
    question: String,
    /// The answer rests on a document that the caller may no longer read, so it is not shown.
    withheld: bool,
    /// Absent where withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<AnswerReply>,
    /// RFC 3339.
    created_at: String,
}

impl From<StoredMessage> for MessageView {
    fn from(message: StoredMessage) -> Self {
        let StoredMessage { id, question, withheld, mut reply, created_at } = message;
        // What went into the answer was checked again just now. The other candidates were not, and
        // the caller may have lost the right to know of them.
        if let Some(AnswerReply { trace, .. }) = &mut reply {
            trace.candidates.retain(|candidate| trace.evidence.contains(&candidate.passage));
        }
        Self { id, question, withheld, reply: reply.filter(|_| !withheld), created_at }
    }
}

/// A conversation with its messages.
#[derive(Serialize, ToSchema)]
struct Opened {
    #[serde(flatten)]
    conversation: ConversationView,
    /// Oldest first.
    messages: Vec<MessageView>,
}

/// Start a conversation
#[utoipa::path(post, path = "/v1/conversations", tag = "Conversations", request_body = Titled,
    responses((status = 201, description = "Created.", body = ConversationView)))]
async fn create(state: web::Data<State>, caller: Caller, body: Body<Titled>) -> Reply {
    let created = conversations::create(&caller.scope, &state.store, &body.0.check()?).await?;
    Ok(HttpResponse::Created().json(ConversationView::from(created)))
}

/// List conversations
///
/// The caller's own, latest first, a page at a time.
#[utoipa::path(get, path = "/v1/conversations", tag = "Conversations", params(ListParams),
    responses((status = 200, description = "A page of conversations.", body = Page<ConversationView>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<ListParams>) -> Reply {
    let page = conversations::list(&caller.scope, &state.store, &params.0.into()).await?;
    Ok(HttpResponse::Ok().json(super::params::view::<_, ConversationView>(page)))
}

/// Open a conversation
///
/// Its messages, oldest first. Every answer is checked again: one that rests on a document that
/// the caller may no longer read comes back withheld, without text and citations.
#[utoipa::path(get, path = "/v1/conversations/{id}", tag = "Conversations", params(("id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 200, description = "The conversation.", body = Opened)))]
async fn show(state: web::Data<State>, caller: Caller, id: Id<ConversationId>) -> Reply {
    let conversation = conversations::get(&caller.scope, &state.store, id.0).await?.into();
    let messages =
        messages::list(&caller.scope, &state.store, id.0).await?.into_iter().map(MessageView::from).collect();
    Ok(HttpResponse::Ok().json(Opened { conversation, messages }))
}

/// Rename a conversation
#[utoipa::path(patch, path = "/v1/conversations/{id}", tag = "Conversations", params(("id" = ConversationId, Path, description = "The conversation.")),
    request_body = Titled, responses((status = 204, description = "Renamed.")))]
async fn rename(state: web::Data<State>, caller: Caller, id: Id<ConversationId>, body: Body<Titled>) -> Reply {
    conversations::rename(&caller.scope, &state.store, id.0, &body.0.check()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Delete a conversation
///
/// With all its messages, for good.
#[utoipa::path(delete, path = "/v1/conversations/{id}", tag = "Conversations", params(("id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 204, description = "Deleted.")))]
async fn delete(state: web::Data<State>, caller: Caller, id: Id<ConversationId>) -> Reply {
    conversations::delete(&caller.scope, &state.store, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
