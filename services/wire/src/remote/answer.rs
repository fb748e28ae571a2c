//! `Answer` over HTTP: a stream of lines back into a stream of events.

use super::call::Service;
use super::path;
use bytes::{Bytes, BytesMut};
use fuente_contract::{Answer, AnswerEvent, AnswerStream, AskRequest, Error, Result, Scope};
use futures_util::{Stream, StreamExt};
use reqwest::Method;

/// Longest line: an answer with its evidence and trace fits many times over.
const LINE: usize = 8 * 1024 * 1024;

/// The answer service at another address.
#[derive(Clone)]
pub struct RemoteAnswer(Service);

impl RemoteAnswer {
    /// # Errors
    /// `Internal` where TLS cannot be set up.
    pub fn new(url: &str, secret: &str) -> Result<Self> {
        Service::new("answer", url, secret).map(Self)
    }
}

#[async_trait::async_trait]
impl Answer for RemoteAnswer {
    async fn ask(&self, scope: &Scope, request: AskRequest) -> Result<AnswerStream> {
        let call = self.0.request(scope, Method::POST, path::ANSWER)?.json(&request);
        let response = self.0.send(call).await?;
        // Dropping the stream drops the connection, which cancels the answer on the other side.
        Ok(events(self.0.clone(), response.bytes_stream()).boxed())
    }
}

fn events(
    service: Service,
    bytes: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = AnswerEvent> + Send {
    async_stream::stream! {
        let mut bytes = Box::pin(bytes);
        let mut lines = Lines::default();
        loop {
            match lines.next() {
                Ok(Some(event)) => {
                    let last = matches!(event, AnswerEvent::Done(_) | AnswerEvent::Error(_));
                    yield event;
                    if last {
                        return;
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => {
                    yield AnswerEvent::Error(error);
                    return;
                }
            }
            match bytes.next().await {
                Some(Ok(chunk)) => lines.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    yield AnswerEvent::Error(service.lost(&error));
                    return;
                }
                // A whole answer ends in `done`; this one was cut short.
                None => {
                    yield AnswerEvent::Error(service.lost(&Error::invalid("the stream ended before the answer did")));
                    return;
                }
            }
        }
    }
}

/// Takes whole lines off the front of what has arrived.
#[derive(Default)]
struct Lines {
    buffer: BytesMut,
    /// Bytes already searched for a line end.
    searched: usize,
}

impl Lines {
    fn next(&mut self) -> Result<Option<AnswerEvent>> {
        while let Some(at) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
            let line = self.buffer.split_to(self.searched + at + 1);
            self.searched = 0;
            // An empty line only says that the other side still lives.
            if line.len() > 1 {
                return serde_json::from_slice(&line).map(Some).map_err(Error::internal);
            }
        }
        self.searched = self.buffer.len();
        if self.buffer.len() > LINE {
            return Err(Error::internal("the answer service sent a line without end"));
        }
        Ok(None)
    }
}
