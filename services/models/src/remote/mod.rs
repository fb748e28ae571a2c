//! Any server that speaks the OpenAI chat protocol, as a [`Generator`].

mod sse;
mod wire;

use crate::error::ModelError;
use crate::generate::{
    Finish, GenerateEvent, GenerateRequest, GenerateStream, Generator, ModelInfo, Shares, WeighRequest,
};
use futures_util::{FutureExt, StreamExt, stream};
use reqwest::{Client, Response, StatusCode};
use sse::Lines;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Silence after which a server is given up: reading a long prompt may take it a while.
const SILENCE: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(10);

/// Which server to ask, and for what.
#[derive(Clone)]
pub struct RemoteOptions {
    /// Up to and including the version: `https://host/v1`.
    pub url: String,
    pub model: String,
    pub key: Option<String>,
    /// What the server's model takes; it checks for itself, this is for our own sums.
    pub context_tokens: u32,
}

/// A client for one server. Nothing is asked of the server before the first request.
///
/// # Errors
/// Where the address is not one.
pub fn remote(options: &RemoteOptions) -> Result<Arc<dyn Generator>, ModelError> {
    // Chosen here because the HTTP client brings no cryptography of its own; an earlier choice stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = format!("{}/chat/completions", options.url.trim_end_matches('/'));
    reqwest::Url::parse(&address).map_err(|error| ModelError::failed("models.remote_url is not an address", error))?;
    let client = Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .build()
        .map_err(|error| ModelError::failed("the HTTP client does not start", error))?;
    let info = ModelInfo { name: options.model.clone(), sha256: String::new(), context_tokens: options.context_tokens };
    Ok(Arc::new(Remote { client, address, key: options.key.clone(), info }))
}

struct Remote {
    client: Client,
    address: String,
    key: Option<String>,
    info: ModelInfo,
}

#[async_trait::async_trait]
impl Generator for Remote {
    async fn generate(&self, request: GenerateRequest) -> Result<GenerateStream, ModelError> {
        let response = send(self.call(&wire::body(&self.info.name, &request))).await?;
        Ok(Reading::new(response).events())
    }

    async fn weigh(&self, request: WeighRequest) -> Result<Shares, ModelError> {
        let call = self.call(&wire::weigh_body(&self.info.name, &request));
        Ok(async move {
            let body = send(call).await?.bytes().await.map_err(|error| away(&error))?;
            wire::shares(&body, &request.choices)
        }
        .boxed())
    }

    /// Whether it can be reached is known only by asking, and then the question gets the error.
    fn alive(&self) -> bool {
        true
    }

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// No tokenizer is at hand: three characters a token is more than any common one needs for
    /// European languages.
    fn count_tokens(&self, text: &str) -> usize {
        text.chars().count().div_ceil(3)
    }
}

impl Remote {
    fn call(&self, body: &impl serde::Serialize) -> reqwest::RequestBuilder {
        let call = self.client.post(&self.address).json(body);
        if let Some(key) = &self.key { call.bearer_auth(key) } else { call }
    }
}

async fn send(call: reqwest::RequestBuilder) -> Result<Response, ModelError> {
    let response = call.send().await.map_err(|error| away(&error))?;
    if response.status().is_success() { Ok(response) } else { Err(refused(response).await) }
}

/// A server that is away may be back soon; the cause goes to the log.
fn away(error: &reqwest::Error) -> ModelError {
    tracing::warn!(%error, "the generation server cannot be reached");
    if error.is_connect() || error.is_timeout() {
        return ModelError::Busy { retry_after: 10 };
    }
    ModelError::failed("the generation server cannot be reached", error.to_string())
}

async fn refused(response: Response) -> ModelError {
    let status = response.status();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        let after = response.headers().get(reqwest::header::RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
        return ModelError::Busy { retry_after: after.unwrap_or(5) };
    }
    let text = response.text().await.unwrap_or_default();
    let said: String = text.chars().take(500).collect();
    ModelError::Failed(format!("the generation server answered {status}: {said}"))
}

/// The body of one answer while it arrives. Dropping it closes the connection, which is how the
/// server learns that nobody listens any more.
struct Reading {
    body: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    lines: Lines,
    ready: VecDeque<Result<GenerateEvent, ModelError>>,
    finish: Option<Finish>,
    usage: wire::Usage,
    /// Pieces received: the token count of servers that do not report one.
    pieces: u32,
    over: bool,
}

impl Reading {
    fn new(response: Response) -> Self {
        Self {
            body: response.bytes_stream().boxed(),
            lines: Lines::default(),
            ready: VecDeque::new(),
            finish: None,
            usage: wire::Usage::default(),
            pieces: 0,
            over: false,
        }
    }

    fn events(self) -> GenerateStream {
        stream::unfold(self, |mut reading| async move {
            loop {
                if let Some(event) = reading.ready.pop_front() {
                    return Some((event, reading));
                }
                if reading.over {
                    return None;
                }
                reading.read().await;
            }
        })
        .boxed()
    }

    async fn read(&mut self) {
        let failed = match self.body.next().await {
            Some(Ok(bytes)) => {
                self.lines.push(&bytes).and_then(|events| events.iter().try_for_each(|data| self.take(data)))
            }
            Some(Err(error)) => Err(ModelError::failed("the connection to the generation server broke", error)),
            None => self.end(),
        };
        if let Err(error) = failed {
            self.ready.push_back(Err(error));
            self.over = true;
        }
    }

    fn take(&mut self, data: &str) -> Result<(), ModelError> {
        if self.over {
            return Ok(());
        }
        if data == "[DONE]" {
            return self.end();
        }
        let chunk = wire::chunk(data)?;
        if let Some(usage) = chunk.usage {
            self.usage = usage;
        }
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(()) };
        if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
            self.pieces += 1;
            self.ready.push_back(Ok(GenerateEvent::Token(text)));
        }
        if let Some(reason) = choice.finish_reason {
            self.finish = Some(if reason == "length" { Finish::Length } else { Finish::Stop });
        }
        Ok(())
    }

    /// An answer that breaks off must not pass for a whole one.
    fn end(&mut self) -> Result<(), ModelError> {
        let finish =
            self.finish.ok_or_else(|| ModelError::Failed("the generation server ended in mid-answer".to_owned()))?;
        self.over = true;
        self.ready.push_back(Ok(GenerateEvent::Done {
            finish,
            prompt_tokens: self.usage.prompt_tokens,
            reused_tokens: self.usage.prompt_tokens_details.as_ref().map_or(0, |details| details.cached_tokens),
            answer_tokens: if self.usage.completion_tokens > 0 { self.usage.completion_tokens } else { self.pieces },
        }));
        Ok(())
    }
}
