//! Long replies go on only as long as their credential holds.

use crate::routes::{Token, unauthenticated};
use crate::state::State;
use fuente_wire::sse::Event;
use futures_util::{Stream, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, interval_at};

/// How long a revoked credential may still receive events of a stream that it opened.
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
