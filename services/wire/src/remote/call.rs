//! What every remote call has in common: the address, the seal, and errors that cross whole.

use crate::problem::ProblemBody;
use crate::seal::{HEADER, Sealer};
use fuente_contract::{Error, ErrorCode, Result, Scope};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;

/// One service at one address.
#[derive(Clone)]
pub(crate) struct Service {
    client: Client,
    base: String,
    sealer: Sealer,
    /// As it is called in messages, such as `search`.
    name: &'static str,
}

impl Service {
    pub(crate) fn new(name: &'static str, url: &str, secret: &str) -> Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        Ok(Self { client: crate::client::build(&base)?, base, sealer: Sealer::new(secret), name })
    }

    /// A request with the seal of `scope` for this very call.
    pub(crate) fn request(&self, scope: &Scope, method: Method, path: &str) -> Result<RequestBuilder> {
        let seal = self.sealer.seal(scope, method.as_str(), path)?;
        Ok(self.client.request(method, format!("{}{path}", self.base)).header(HEADER, seal))
    }

    /// Sends it; any answer but a success becomes the error that the service meant.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let error: Error = match self.read::<ProblemBody>(response).await {
            Ok(problem) => problem.into(),
            Err(_) => {
                return Err(Error::internal(format!(
                    "the {} service answered {status} without a problem body",
                    self.name
                )));
            }
        };
        // The person did prove who they are; it is the processes that do not trust each other.
        if error.code == ErrorCode::Unauthenticated {
            return Err(Error::internal(format!(
                "the {} service refused the service credential: is service.secret the same, and are the clocks?",
                self.name
            )));
        }
        Err(error)
    }

    /// The JSON body of a response.
    pub(crate) async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T> {
        let bytes = response.bytes().await.map_err(|error| self.lost(&error))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::internal(format!("the {} service's answer cannot be read: {error}", self.name)))
    }

    /// The service did not answer, or stopped in the middle.
    pub(crate) fn lost(&self, cause: &dyn std::error::Error) -> Error {
        let mut words = cause.to_string();
        let mut source = cause.source();
        while let Some(inner) = source {
            words = format!("{words}: {inner}");
            source = inner.source();
        }
        Error::unavailable(format!("The {} service does not answer right now.", self.name), 2).because(words)
    }
}
