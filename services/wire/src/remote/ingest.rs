//! `Ingest` over HTTP.

use super::call::Service;
use super::path;
use crate::line::{CURRENT, first_line};
use bytes::Bytes;
use fuente_contract::document::DeleteReceipt;
use fuente_contract::drift::Drift;
use fuente_contract::ingest::{Accepted, ByteStream, Original, Upload};
use fuente_contract::{DocumentId, Error, Ingest, Result, Scope, VersionId};
use futures_util::{StreamExt, stream};
use reqwest::Method;

/// The ingest service at another address.
#[derive(Clone)]
pub struct RemoteIngest(Service);

impl RemoteIngest {
    /// # Errors
    /// `Internal` where TLS cannot be set up.
    pub fn new(url: &str, secret: &str) -> Result<Self> {
        Service::new("ingest", url, secret).map(Self)
    }
}

#[async_trait::async_trait]
impl Ingest for RemoteIngest {
    async fn accept(&self, scope: &Scope, upload: Upload, bytes: ByteStream) -> Result<Accepted> {
        let line = serde_json::to_string(&upload).map_err(Error::internal)? + "\n";
        let body = stream::iter([Ok(Bytes::from(line))]).chain(bytes);
        let call = self.0.request(scope, Method::POST, path::ACCEPT)?.body(reqwest::Body::wrap_stream(body));
        self.0.read(self.0.send(call).await?).await
    }

    async fn delete(&self, scope: &Scope, document: DocumentId) -> Result<DeleteReceipt> {
        let call = self.0.request(scope, Method::DELETE, &path::document(&document.to_string()))?;
        self.0.read(self.0.send(call).await?).await
    }

    async fn retag(&self, scope: &Scope, document: DocumentId) -> Result<()> {
        let call = self.0.request(scope, Method::POST, &path::retag(&document.to_string()))?;
        self.0.send(call).await.map(drop)
    }

    async fn reconcile(&self, scope: &Scope, mend: bool) -> Result<Drift> {
        let call = self.0.request(scope, Method::POST, path::RECONCILE)?.json(&mend);
        self.0.read(self.0.send(call).await?).await
    }

    async fn original(
        &self,
        scope: &Scope,
        document: DocumentId,
        version: Option<VersionId>,
    ) -> Result<(Original, ByteStream)> {
        let version = version.map_or_else(|| CURRENT.to_owned(), |id| id.to_string());
        let call = self.0.request(scope, Method::GET, &path::original(&document.to_string(), &version))?;
        let answer = self.0.send(call).await?;
        let (original, rest) = first_line(answer.bytes_stream().boxed()).await?;
        Ok((original, rest.map(|part| part.map_err(std::io::Error::other)).boxed()))
    }
}
