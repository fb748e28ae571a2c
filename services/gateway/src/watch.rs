//! An answer goes on only as long as its asker may have it.

use crate::routes::{Caller, unauthenticated};
use crate::state::State;
use fuente_contract::{AnswerEvent, AnswerStream, DocumentId, Error, ErrorCode, Result};
use fuente_store::documents;
use futures_util::StreamExt;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, interval_at};

/// How long a revoked credential or document may still give events of a stream that was opened with it.
const EVERY: Duration = Duration::from_secs(4);

/// Passes the answer on, and ends it with an error once the credential no longer admits anyone
/// (after a sign-out, a revoked key, a disabled user) or the asker no longer reads a document that
/// went into it. Both are looked at every few seconds and, always, before `done`. A store that
/// cannot say ends it too.
pub(crate) fn while_allowed(state: Arc<State>, caller: Caller, mut answer: AnswerStream) -> AnswerStream {
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
                && let Err(error) = allowed(&state, &caller, &used).await
            {
                yield AnswerEvent::Error(error);
                break;
            }
            if let Some(event) = next {
                yield event;
            }
        }
    }
    .boxed()
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

async fn allowed(state: &State, caller: &Caller, used: &BTreeSet<DocumentId>) -> Result<()> {
    // The scope as it is now: a role that was taken away must not decide.
    let scope = state.admit(&caller.token).await?.ok_or_else(unauthenticated)?;
    let used: Vec<DocumentId> = used.iter().copied().collect();
    if documents::all_readable(&scope, &state.store, &used).await? {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Conflict, "A source of this answer is no longer available. Ask again."))
}
