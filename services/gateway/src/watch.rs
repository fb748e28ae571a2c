//! Long replies go on only as long as their caller may have them.

use crate::routes::{Token, unauthenticated};
use crate::state::State;
use fuente_contract::{AnswerEvent, AnswerStream, DocumentId, Error, ErrorCode, Result};
use fuente_store::documents;
use fuente_wire::sse::Event;
use futures_util::{Stream, StreamExt};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, interval_at};

/// How long a revoked credential or document may still give events of a stream that was opened with it.
const EVERY: Duration = Duration::from_secs(4);

/// Passes `events` on, and ends them with an error once `token` no longer admits anyone: after a
/// sign-out, a revoked key, a disabled user. A store that cannot say ends them too.
pub(crate) fn while_admitted(
    state: Arc<State>,
    token: Token,
    events: impl Stream<Item = Event> + 'static,
) -> impl Stream<Item = Event> {
    async_stream::stream! {
        let mut events = Box::pin(events);
        let mut checks = interval_at(Instant::now() + EVERY, EVERY);
        loop {
            let next = tokio::select! {
                event = events.next() => Some(event),
                _ = checks.tick() => None,
            };
            match next {
                Some(Some(event)) => yield event,
                Some(None) => break,
                None => {
                    let fault = match state.admit(&token).await {
                        Ok(Some(_)) => continue,
                        Ok(None) => unauthenticated(),
                        Err(error) => error,
                    };
                    yield Event::error(&fault);
                    break;
                }
            }
        }
    }
}

/// Passes the answer on, and ends it with an error once the credential no longer admits anyone
/// (after a sign-out, a revoked key, a disabled user) or the asker no longer reads a document that
/// went into it. Both are looked at every few seconds and, always, before `done`. A store that
/// cannot say ends it too.
pub(crate) fn while_readable(
    state: Arc<State>,
    token: Token,
    mut answer: AnswerStream,
) -> impl Stream<Item = AnswerEvent> {
    async_stream::stream! {
        let mut used = BTreeSet::new();
        let mut checks = interval_at(Instant::now() + EVERY, EVERY);
        loop {
            let next = tokio::select! {
                event = answer.next() => match event {
                    Some(event) => Some(event),
                    None => break,
                },
                _ = checks.tick() => None,
            };
            if let Some(event) = &next {
                used.extend(documents_of(event));
            }
            if matches!(next, None | Some(AnswerEvent::Done(_)))
                && let Err(error) = allowed(&state, &token, &used).await
            {
                yield AnswerEvent::Error(error);
                break;
            }
            if let Some(event) = next {
                yield event;
            }
        }
    }
}

/// The documents that an event shows something of.
fn documents_of(event: &AnswerEvent) -> Vec<DocumentId> {
    match event {
        AnswerEvent::Evidence(found) => found.iter().map(|evidence| evidence.hit.document).collect(),
        AnswerEvent::Done(reply) => {
            let cited = reply.citations.iter().map(|citation| citation.document);
            cited.chain(reply.nearest.iter().map(|nearest| nearest.document)).collect()
        }
        _ => Vec::new(),
    }
}

async fn allowed(state: &State, token: &Token, used: &BTreeSet<DocumentId>) -> Result<()> {
    // The scope as it is now: a role that was taken away must not decide.
    let scope = state.admit(token).await?.ok_or_else(unauthenticated)?;
    if documents::reads_all(&scope, &state.store, used).await? {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Conflict, "A source of this answer is no longer available. Ask again."))
}
