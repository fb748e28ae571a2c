//! One job: how far an upload is, and what went wrong.

use super::super::door::Caller;
use super::super::table::{Answers, IdKind, Place, RouteRule};
use super::{DOCUMENTS, limits};
use crate::state::State;
use crate::watch::while_admitted;
use actix_web::{HttpResponse, web};
use fuente_contract::document::JobInfo;
use fuente_contract::{JobId, Result, Scope};
use fuente_store::jobs;
use fuente_wire::Id;
use fuente_wire::problem::Reply;
use fuente_wire::sse::{self, Event};
use futures_util::Stream;
use std::sync::Arc;
use std::time::Duration;

const ID: &[(Place, IdKind)] = &[(Place::Path("id"), IdKind::Job)];

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("GET", "/v1/admin/jobs/{id}", DOCUMENTS, || web::to(show)).ids(ID),
    RouteRule::new("POST", "/v1/admin/jobs/{id}/retry", DOCUMENTS, || web::to(retry)).ids(ID),
    RouteRule::new("POST", "/v1/admin/jobs/{id}/cancel", DOCUMENTS, || web::to(cancel)).ids(ID),
    RouteRule::new("GET", "/v1/admin/jobs/{id}/events", DOCUMENTS, || web::to(events)).ids(ID).answers(Answers::Events),
];

/// How often the row of a job is looked at.
const POLL: Duration = Duration::from_millis(500);

/// Show a job
#[utoipa::path(get, path = "/v1/admin/jobs/{id}", tag = "Jobs", params(("id" = JobId, Path, description = "The job.")),
    responses((status = 200, description = "The job.", body = JobInfo)))]
async fn show(state: web::Data<State>, caller: Caller, id: Id<JobId>) -> Reply {
    Ok(HttpResponse::Ok().json(job(&state, &caller.scope, id.0).await?))
}

/// Try a job again
///
/// One that failed, gave up or was cancelled.
#[utoipa::path(post, path = "/v1/admin/jobs/{id}/retry", tag = "Jobs", params(("id" = JobId, Path, description = "The job.")),
    responses((status = 200, description = "Queued again.", body = JobInfo)))]
async fn retry(state: web::Data<State>, caller: Caller, id: Id<JobId>) -> Reply {
    job(&state, &caller.scope, id.0).await?;
    jobs::retry(&caller.scope, &state.store, id.0).await?;
    Ok(HttpResponse::Ok().json(job(&state, &caller.scope, id.0).await?))
}

/// Cancel a job
///
/// The version that answers stays as it is.
#[utoipa::path(post, path = "/v1/admin/jobs/{id}/cancel", tag = "Jobs", params(("id" = JobId, Path, description = "The job.")),
    responses((status = 200, description = "Cancelled, or about to be.", body = JobInfo)))]
async fn cancel(state: web::Data<State>, caller: Caller, id: Id<JobId>) -> Reply {
    job(&state, &caller.scope, id.0).await?;
    jobs::cancel(&caller.scope, &state.store, id.0).await?;
    Ok(HttpResponse::Ok().json(job(&state, &caller.scope, id.0).await?))
}

/// Follow a job
///
/// A `job` event with the whole job now and at every change, until nothing more will happen.
#[utoipa::path(get, path = "/v1/admin/jobs/{id}/events", tag = "Jobs", params(("id" = JobId, Path, description = "The job.")),
    responses((status = 200, description = "The events.", body = String, content_type = "text/event-stream")))]
async fn events(state: web::Data<State>, caller: Caller, id: Id<JobId>) -> Reply {
    let first = job(&state, &caller.scope, id.0).await?;
    let state = state.into_inner();
    let events = follow(Arc::clone(&state), caller.scope, first);
    Ok(sse::response(while_admitted(state, caller.token, events)))
}

/// The job, if the caller's credential reaches its library.
async fn job(state: &State, scope: &Scope, id: JobId) -> Result<JobInfo> {
    let job = jobs::get(scope, &state.store, id).await?;
    limits::document(state, scope, job.document).await?;
    Ok(job)
}

fn follow(state: Arc<State>, scope: Scope, mut job: JobInfo) -> impl Stream<Item = Event> {
    async_stream::stream! {
        let mut sent = Event::new("job", &job);
        yield sent.clone();
        while !job.state.is_final() {
            tokio::time::sleep(POLL).await;
            job = match jobs::get(&scope, &state.store, job.id).await {
                Ok(job) => job,
                Err(error) => {
                    yield Event::error(&error);
                    return;
                }
            };
            let event = Event::new("job", &job);
            if event.data != sent.data {
                sent = event;
                yield sent.clone();
            }
        }
    }
}
