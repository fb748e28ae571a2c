//! One turn of a conversation: what was said before, the answer as it comes, and its storing.

use crate::routes::Caller;
use crate::state::State;
use crate::watch::while_readable;
use fuente_contract::answer::Turn;
use fuente_contract::{AnswerEvent, AskRequest, ConversationId, Error, MessageId, Result, Scope};
use fuente_store::messages;
use fuente_wire::sse::Event;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use std::pin::pin;
use std::sync::Arc;

/// Earlier turns that go with a question. More would cost prompt, and old turns seldom matter.
const TURNS: usize = 6;

/// Data of the `message` event.
#[derive(Serialize)]
struct Stored {
    id: MessageId,
}

/// Starts the turn. `request.history` is filled here, from what the asker may read now.
///
/// # Errors
/// `NotFound` for a conversation that is not the asker's; else what `Answer::ask` says.
pub(crate) async fn turn(
    state: Arc<State>,
    caller: Caller,
    conversation: ConversationId,
    mut request: AskRequest,
) -> Result<impl Stream<Item = Event>> {
    let Caller { scope, token } = caller;
    request.history = history(&state, &scope, conversation).await?;
    let question = request.question.clone();
    let answer = state.answer.ask(&scope, request).await?;
    let answer = while_readable(state.clone(), token, answer);
    Ok(store_at_the_end(state, scope, conversation, question, answer))
}

/// A withheld message rests on a document that the asker may no longer read, so it is left out:
/// its text must not come back through the prompt.
async fn history(state: &State, scope: &Scope, conversation: ConversationId) -> Result<Vec<Turn>> {
    let stored = messages::list(scope, &state.store, conversation).await?;
    let mut turns: Vec<Turn> = stored
        .into_iter()
        .filter_map(|message| Some(Turn { question: message.question, answer: message.reply?.text }))
        .collect();
    Ok(turns.split_off(turns.len().saturating_sub(TURNS)))
}

/// Passes events on. The whole answer is stored before `done` is sent, so whoever saw `done` finds
/// it again. Dropped halfway (the reader went away), it cancels the answer and stores nothing.
fn store_at_the_end(
    state: Arc<State>,
    scope: Scope,
    conversation: ConversationId,
    question: String,
    answer: impl Stream<Item = AnswerEvent>,
) -> impl Stream<Item = Event> {
    async_stream::stream! {
        let mut answer = pin!(answer);
        let mut ended = false;
        while let Some(event) = answer.next().await {
            ended = matches!(event, AnswerEvent::Done(_) | AnswerEvent::Error(_));
            if let AnswerEvent::Done(reply) = &event {
                match messages::append(&scope, &state.store, conversation, &question, reply).await {
                    Ok(id) => yield Event::new("message", &Stored { id }),
                    Err(error) => {
                        yield Event::error(&error);
                        return;
                    }
                }
            }
            yield Event::from(&event);
        }
        if !ended {
            yield Event::error(&Error::internal("the answer ended without `done`"));
        }
    }
}
