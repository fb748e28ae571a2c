//! The routes, one file per noun, and the one place where they are registered.

mod admin;
mod ask;
mod auth;
mod conversations;
mod documents;
pub(crate) mod door;
mod download;
mod libraries;
mod me;
mod messages;
mod openapi;
mod pages;
mod params;
mod search;
mod table;

pub(crate) use door::{Caller, Token, unauthenticated};
pub use openapi::{check, description};
pub use table::{Answers, IdKind, KEY_SCOPES, Key, Place, RouteRule, Rule, Sends};

use actix_web::middleware::from_fn;
use actix_web::web;
use fuente_contract::Error;
use fuente_wire::Problem;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::openapi::OpenApi;

static TABLE: LazyLock<Vec<RouteRule>> = LazyLock::new(|| {
    let nouns: [&[RouteRule]; 10] = [
        auth::RULES,
        me::RULES,
        ask::RULES,
        search::RULES,
        conversations::RULES,
        messages::RULES,
        libraries::RULES,
        documents::RULES,
        pages::RULES,
        &admin::RULES,
    ];
    nouns.concat()
});

/// Every route there is, with its rule.
#[must_use]
pub fn table() -> &'static [RouteRule] {
    &TABLE
}

/// The registration of `rules`, once they agree with the API's description: there is no other
/// way to a route, so none can exist without a rule.
///
/// # Errors
/// Names the routes that only one of the two knows.
pub fn register(
    description: &OpenApi,
    rules: &'static [RouteRule],
) -> Result<impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static, String> {
    check(description, rules)?;
    Ok(move |config: &mut web::ServiceConfig| {
        let mut by_path: BTreeMap<&str, Vec<&RouteRule>> = BTreeMap::new();
        for rule in rules {
            by_path.entry(rule.path).or_default().push(rule);
        }
        for (path, rows) in by_path {
            let mut resource = web::resource(path);
            for row in rows {
                for method in row.methods().filter_map(|method| method.parse().ok()) {
                    resource = resource.route((row.handler)().method(method));
                }
            }
            config.service(resource.wrap(from_fn(door::guard)));
        }
        config.default_service(web::to(nowhere));
    })
}

async fn nowhere() -> Problem {
    Problem(Error::not_found())
}
