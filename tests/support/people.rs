//! People of a tenant, as HTTP clients.

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A signed-in person (or nobody, or a key).
#[derive(Clone)]
pub struct Person {
    pub url: String,
    pub token: Option<String>,
    http: reqwest::Client,
}

/// A reply, read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    /// The body as JSON; the test fails with the body where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// The body as JSON, of a reply that succeeded.
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

impl Person {
    /// Nobody.
    pub fn anonymous(url: &str) -> Self {
        let http = fuente_wire::client::build(url).expect("a client");
        Self { url: url.to_owned(), token: None, http }
    }

    /// Whoever holds `token`.
    pub fn holding(url: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::anonymous(url) }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let reply = request.send().await.expect("the server answers");
        Reply { status: reply.status(), headers: reply.headers().clone(), body: reply.text().await.expect("a body") }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }
}
