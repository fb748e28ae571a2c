//! The description of the API, its documentation, health, and the front page.

use super::table::{Answers, RouteRule, Rule};
use crate::state::State;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use fuente_contract::Error;
use fuente_wire::health::{self, Health, Ready};
use fuente_wire::problem::Reply;
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::Config;

pub(super) const RULES: &[RouteRule] = &[
    RouteRule::new("GET", "/", Rule::Public, || web::to(front)).answers(Answers::Page),
    RouteRule::new("GET", "/openapi.json", Rule::Public, || web::to(description)).answers(Answers::Page),
    RouteRule::new("GET", "/docs", Rule::Public, || web::to(docs_moved)).answers(Answers::Page),
    RouteRule::new("GET", "/docs/", Rule::Public, || web::to(docs)).answers(Answers::Page),
    RouteRule::new("GET", "/docs/{file}", Rule::Public, || web::to(docs_file)).answers(Answers::Page),
    RouteRule::new("GET", "/healthz", Rule::Public, || web::to(live)),
    RouteRule::new("GET", "/readyz", Rule::Public, || web::to(ready)),
];

/// The documentation asks no other server for anything: the badge of the online validator is off.
static UI: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(Config::new(["/openapi.json"]).use_base_layout().validator_url("none").with_credentials(true))
});

async fn front() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("Fuente answers from your documents.\nThe API is described at /docs.\n")
}

async fn description(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(state.description.clone())
}

async fn docs_moved() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
}

async fn docs() -> Reply {
    file("index.html")
}

async fn docs_file(name: web::Path<String>) -> Reply {
    file(&name)
}

fn file(name: &str) -> Reply {
    let file =
        utoipa_swagger_ui::serve(name, Arc::clone(&UI)).map_err(Error::internal)?.ok_or_else(Error::not_found)?;
    Ok(HttpResponse::Ok().content_type(file.content_type).body(file.bytes.into_owned()))
}

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", tag = "Health", responses((status = 200, description = "It lives.", body = Health)))]
async fn live() -> HttpResponse {
    health::live().await
}

/// Whether the service can work
///
/// Reaches what it cannot work without.
#[utoipa::path(get, path = "/readyz", tag = "Health", responses((status = 200, description = "It can.", body = Health)))]
async fn ready(state: web::Data<dyn Ready>) -> Reply {
    health::ready(state).await
}
