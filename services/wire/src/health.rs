//! Whether a process lives, and whether it can do its work.

use crate::problem::Reply;
use actix_web::{HttpResponse, web};
use fuente_contract::Result;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Asked by `/readyz`: reaches what the process cannot work without.
#[async_trait::async_trait]
pub trait Ready: Send + Sync {
    /// # Errors
    /// `Unavailable`, with a detail that names what is away and reveals nothing else.
    async fn ready(&self) -> Result<()>;
}

/// Ready while what it asks answers.
pub struct Asks<F>(pub F);

#[async_trait::async_trait]
impl<F, Answer> Ready for Asks<F>
where
    F: Fn() -> Answer + Send + Sync,
    Answer: Future<Output = Result<()>> + Send,
{
    async fn ready(&self) -> Result<()> {
        (self.0)().await
    }
}

/// Body of both health calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `alive` or `ready`.
    pub status: &'static str,
}

/// Answers as long as the process runs.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "alive" })
}

/// Answers `ready`, or 503 and what is away.
///
/// # Errors
/// What [`Ready::ready`] says.
pub async fn ready(state: web::Data<dyn Ready>) -> Reply {
    state.ready().await?;
    Ok(HttpResponse::Ok().json(Health { status: "ready" }))
}

/// Both routes, for a process that is not the gateway.
pub fn routes(state: Arc<dyn Ready>) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |config| {
        config
            .app_data(web::Data::from(Arc::clone(&state)))
            .route("/healthz", web::get().to(live))
            .route("/readyz", web::get().to(ready));
    }
}
