//! `Search` over HTTP.

use super::call::Service;
use super::path;
use fuente_contract::{Result, Scope, Search, SearchReply, SearchRequest};
use reqwest::Method;
use std::time::Duration;

/// A search takes a fraction of a second; one that takes this long will not come.
const LIMIT: Duration = Duration::from_secs(15);

/// The search service at another address.
#[derive(Clone)]
pub struct RemoteSearch(Service);

impl RemoteSearch {
    /// # Errors
    /// `Internal` where TLS cannot be set up.
    pub fn new(url: &str, secret: &str) -> Result<Self> {
        Service::new("search", url, secret).map(Self)
    }
}

#[async_trait::async_trait]
impl Search for RemoteSearch {
    async fn search(&self, scope: &Scope, request: SearchRequest) -> Result<SearchReply> {
        let call = self.0.request(scope, Method::POST, path::SEARCH)?.timeout(LIMIT).json(&request);
        self.0.read(self.0.send(call).await?).await
    }
}
