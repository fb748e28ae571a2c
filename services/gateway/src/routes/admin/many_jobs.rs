//! Many jobs at once: lists, counts, another try for all that failed, and how a whole library comes on.

use super::super::door::Caller;
use super::super::params;
use super::super::table::{Answers, IdKind, Place, RouteRule, Sends};
use super::{DOCUMENTS, limits};
use crate::state::State;
use crate::watch::while_admitted;
use actix_web::{HttpResponse, web};
use fuente_contract::document::{JobInfo, JobState};
use fuente_contract::manage::{JobCounts, JobFilter};
use fuente_contract::{Cursor, DocumentId, JobId, LibraryId, Page, Result, Scope};
use fuente_store::job_lists;
use fuente_wire::problem::Reply;
use fuente_wire::sse::{self, Event};
use fuente_wire::{Body, Params};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

const FILTER: &[(Place, IdKind)] =
    &[(Place::Query("library"), IdKind::Library), (Place::Query("document"), IdKind::Document)];

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("GET", "/v1/admin/jobs", DOCUMENTS, || web::to(list)).ids(FILTER),
    RouteRule::new("GET", "/v1/admin/jobs/summary", DOCUMENTS, || web::to(summary)).ids(FILTER),
    RouteRule::new("GET", "/v1/admin/jobs/events", DOCUMENTS, || web::to(follow)).ids(FILTER).answers(Answers::Events),
    RouteRule::new("POST", "/v1/admin/jobs/retry", DOCUMENTS, || web::to(retry))
        .ids(&[(Place::Body, IdKind::Library), (Place::Body, IdKind::Document)])
        .sends(Sends::Json(r#"{"state":"dead","library":"$library","document":"$document"}"#)),
];

/// How often the jobs are looked at.
const POLL: Duration = Duration::from_millis(500);
/// Seconds that a look reaches back: a change counts from its transaction's begin, and may show later.
const BACK: f64 = 10.0;
/// Most jobs that one look sends. Where more change at once, the summary still counts them all.
const MOST: i64 = 500;

/// Which jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct JobListParams {
    /// Only jobs in this state.
    state: Option<JobState>,
    /// Only those of this library's documents.
    #[serde(default, deserialize_with = "params::some_id")]
    library: Option<LibraryId>,
    /// Only those of this document.
    #[serde(default, deserialize_with = "params::some_id")]
    document: Option<DocumentId>,
    /// `next` of the page before; leave out for the first page.
    #[serde(default, deserialize_with = "params::after")]
    after: Option<String>,
    /// Rows wanted, 1 to 200; 50 if left out.
    #[serde(default, deserialize_with = "params::limit")]
    limit: Option<u32>,
}

/// Which jobs to count.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct JobParams {
    /// Only those of this library's documents.
    #[serde(default, deserialize_with = "params::some_id")]
    library: Option<LibraryId>,
    /// Only those of this document.
    #[serde(default, deserialize_with = "params::some_id")]
    document: Option<DocumentId>,
}

/// Which jobs to follow.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FollowParams {
    /// Only those of this library's documents.
    #[serde(default, deserialize_with = "params::some_id")]
    library: Option<LibraryId>,
    /// Only those of this document.
    #[serde(default, deserialize_with = "params::some_id")]
    document: Option<DocumentId>,
    /// Go on when nothing is left to do, for jobs that come later.
    #[serde(default)]
    stay: bool,
}

/// Which jobs to try again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryJobs {
    /// `failed`, `dead` or `cancelled`; those that are `dead` if left out.
    state: Option<JobState>,
    /// Only those of this library's documents.
    library: Option<LibraryId>,
    /// Only those of this document.
    document: Option<DocumentId>,
}

/// What came of trying jobs again.
#[derive(Serialize, ToSchema)]
struct Retried {
    /// Jobs that were queued again.
    jobs: u64,
}

/// Jobs by state, and which were counted.
#[derive(Serialize, ToSchema)]
struct JobSummary {
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<LibraryId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<DocumentId>,
    #[serde(flatten)]
    counts: JobCounts,
}

/// Refuses what a key limited to libraries may not ask for.
async fn allowed(state: &State, scope: &Scope, library: Option<LibraryId>, document: Option<DocumentId>) -> Result<()> {
    match (library, document) {
        (Some(library), _) => limits::library(scope, library),
        // Only for such keys: for others, a document that does not exist has no jobs.
        (None, Some(document)) if scope.libraries().is_some() => limits::document(state, scope, document).await,
        (None, _) => limits::unlimited(scope, "name one of them in `library`, or follow jobs by their ids"),
    }
}

/// List jobs
///
/// Latest first, a page at a time.
#[utoipa::path(get, path = "/v1/admin/jobs", tag = "Jobs", params(JobListParams),
    responses((status = 200, description = "A page of jobs.", body = Page<JobInfo>)))]
async fn list(state: web::Data<State>, caller: Caller, params: Params<JobListParams>) -> Reply {
    let JobListParams { state: stands, library, document, after, limit } = params.0;
    allowed(&state, &caller.scope, library, document).await?;
    let filter = JobFilter { state: stands, library, document };
    Ok(HttpResponse::Ok().json(job_lists::list(&caller.scope, &state.store, &filter, &Cursor { after, limit }).await?))
}

/// Count jobs
///
/// By state.
#[utoipa::path(get, path = "/v1/admin/jobs/summary", tag = "Jobs", params(JobParams),
    responses((status = 200, description = "The counts.", body = JobSummary)))]
async fn summary(state: web::Data<State>, caller: Caller, params: Params<JobParams>) -> Reply {
    let JobParams { library, document } = params.0;
    allowed(&state, &caller.scope, library, document).await?;
    let filter = JobFilter { state: None, library, document };
    let counts = job_lists::counts(&caller.scope, &state.store, &filter).await?;
    Ok(HttpResponse::Ok().json(JobSummary { library, document, counts }))
}

/// Try many jobs again
///
/// All that gave up (or failed, or were cancelled), of one library, of one document, or of all.
/// Those that a newer version of their document replaced stay as they are.
#[utoipa::path(post, path = "/v1/admin/jobs/retry", tag = "Jobs", request_body = RetryJobs,
    responses((status = 200, description = "Queued again.", body = Retried)))]
async fn retry(state: web::Data<State>, caller: Caller, body: Body<RetryJobs>) -> Reply {
    let RetryJobs { state: stands, library, document } = body.0;
    allowed(&state, &caller.scope, library, document).await?;
    let filter = JobFilter { state: stands, library, document };
    let jobs = job_lists::retry(&caller.scope, &state.store, &filter).await?;
    Ok(HttpResponse::Ok().json(Retried { jobs }))
}

/// Follow many jobs
///
/// First a `summary` event with the counts by state and a `job` event for each of the latest
/// jobs; then a `job` event whenever one changes, and a `summary` whenever the counts do. It ends when
/// nothing is left to do, or goes on with `stay=true`.
#[utoipa::path(get, path = "/v1/admin/jobs/events", tag = "Jobs", params(FollowParams),
    responses((status = 200, description = "The events.", body = String, content_type = "text/event-stream")))]
async fn follow(state: web::Data<State>, caller: Caller, params: Params<FollowParams>) -> Reply {
    let FollowParams { library, document, stay } = params.0;
    allowed(&state, &caller.scope, library, document).await?;
    let state = state.into_inner();
    let filter = JobFilter { state: None, library, document };
    let events = changes(Arc::clone(&state), caller.scope, filter, stay);
    Ok(sse::response(while_admitted(state, caller.token, events)))
}

fn changes(state: Arc<State>, scope: Scope, filter: JobFilter, stay: bool) -> impl Stream<Item = Event> {
    async_stream::stream! {
        let mut counted: Option<JobCounts> = None;
        let mut sent: HashMap<JobId, String> = HashMap::new();
        loop {
            // Counted before the jobs are read: when the counts say that all is done, the jobs read
            // after them are in their last state.
            let (counts, jobs) = match look(&state, &scope, &filter, counted.is_none()).await {
                Ok(found) => found,
                Err(error) => {
                    yield Event::error(&error);
                    return;
                }
            };
            if counted != Some(counts) {
                counted = Some(counts);
                yield Event::new("summary", &JobSummary { library: filter.library, document: filter.document, counts });
            }
            // Only what this look saw is remembered: what it did not see has no change to send.
            let mut seen = HashMap::with_capacity(jobs.len());
            for job in jobs.into_iter().rev() {
                let event = Event::new("job", &job);
                let news = sent.get(&job.id) != Some(&event.data);
                seen.insert(job.id, event.data.clone());
                if news {
                    yield event;
                }
            }
            sent = seen;
            if counts.open() == 0 && !stay {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

async fn look(state: &State, scope: &Scope, filter: &JobFilter, first: bool) -> Result<(JobCounts, Vec<JobInfo>)> {
    let counts = job_lists::counts(scope, &state.store, filter).await?;
    let jobs = if first {
        job_lists::list(scope, &state.store, filter, &Cursor { after: None, limit: Some(200) }).await?.items
    } else {
        job_lists::changed(scope, &state.store, filter, BACK, MOST).await?
    };
    Ok((counts, jobs))
}
