//! The API's description: written at the handlers, completed from the route table.
//!
//! Nothing is said twice: who may call and which problems may come back follow from the rule,
//! and [`check`] stops the boot where a handler is described that has no rule, or the reverse.

use super::table::{Key, RouteRule, Rule, Sends, table_ids};
use super::{admin, ask, auth, conversations, documents, libraries, me, messages, pages, search};
use fuente_wire::ProblemBody;
use fuente_wire::problem::MEDIA_TYPE;
use std::collections::BTreeSet;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, PathItem, Ref, ResponseBuilder};
use utoipa::{OpenApi, openapi};

#[derive(OpenApi)]
#[openapi(
    info(title = "Fuente", description = "Ask your documents. Every answer is made from passages that the caller may read at that moment, with citations that can be checked; where the documents do not hold the answer, it says so.\n\nErrors are problem documents (RFC 9457) with a stable `code`. Unknown fields are refused. Lists page by cursor: send `next` as `after`. An id that the caller may not see answers exactly like one that does not exist."),
    tags(
        (name = "Signing in"), (name = "Asking"), (name = "Conversations"), (name = "Reading"),
        (name = "Libraries", description = "For administrators."), (name = "Documents", description = "For administrators."),
        (name = "Jobs", description = "For administrators."), (name = "People", description = "For administrators."),
        (name = "Access", description = "For administrators."), (name = "Health"),
    ),
    components(schemas(ProblemBody)),
    paths(
        auth::sign_in, auth::sign_out, me::show, me::change_password, ask::ask, search::search,
        conversations::create, conversations::list, conversations::show, conversations::rename, conversations::delete, messages::send,
        libraries::list, documents::list, documents::show, documents::text, documents::original, documents::explain,
        admin::libraries::create, admin::libraries::list, admin::libraries::show, admin::libraries::delete, admin::libraries::set_rules,
        admin::upload::post, admin::upload::put, admin::documents::list, admin::documents::versions, admin::documents::reingest, admin::documents::delete, admin::documents::set_rules,
        admin::many_jobs::list, admin::many_jobs::summary, admin::many_jobs::retry, admin::many_jobs::follow, admin::jobs::show, admin::jobs::retry, admin::jobs::cancel, admin::jobs::events,
        admin::reconcile::reconcile, admin::embedding::show,
        admin::users::create, admin::users::list, admin::users::show, admin::users::reset_password, admin::users::set_status,
        admin::groups::create, admin::groups::list, admin::groups::delete, admin::members::list,
        admin::members::add_user, admin::members::remove_user, admin::members::add_group, admin::members::remove_group,
        admin::policies::list, admin::policies::show, admin::api_keys::create, admin::api_keys::list, admin::api_keys::revoke, admin::access::explain,
        pages::live, pages::ready,
    )
)]
struct Described;

/// The description of every operation, completed from the route table.
#[must_use]
pub fn description() -> openapi::OpenApi {
    let mut api = Described::openapi();
    let components = api.components.get_or_insert_default();
    let bearer =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A session's token, or an API key."));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    let cookie = ApiKeyValue::with_description(
        "fuente",
        "The session, as sign-in sets it. Named `__Host-fuente` where cookies are sent over HTTPS only.",
    );
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    for rule in super::table() {
        if let Some(operation) = api.paths.paths.get_mut(rule.path).and_then(|item| operation(item, rule.method)) {
            complete(operation, rule);
        }
    }
    api
}

fn complete(operation: &mut Operation, rule: &RouteRule) {
    let key = match rule.rule {
        Rule::Public => None,
        Rule::SignedIn(key) | Rule::Admin(key) => Some(key),
    };
    let mut words = operation.description.take().unwrap_or_default();
    if let Some(key) = key {
        let who = if matches!(rule.rule, Rule::Admin(_)) { "Administrators only." } else { "Anyone signed in." };
        let keys = match key {
            Key::Never => "API keys may not.".to_owned(),
            Key::Any => "Any API key may.".to_owned(),
            Key::Scope(scope) => format!("API keys need the scope `{scope}`."),
        };
        words = format!("{words}\n\n{who} {keys}").trim().to_owned();
        operation.security =
            Some(["session", "bearer"].map(|name| SecurityRequirement::new(name, Vec::<String>::new())).into());
    } else {
        operation.security = Some(Vec::new());
    }
    operation.description = (!words.is_empty()).then_some(words);
    operation.operation_id = Some(operation_id(rule));
    let mut problems =
        vec![("500", "A fault of ours."), ("503", "Something is full or away; try again after `retry_after` seconds.")];
    if key.is_some() {
        problems
            .extend([("401", "No valid credential."), ("403", "A valid credential without the needed role or scope.")]);
    }
    if !rule.ids.is_empty() {
        problems.push(("404", "There is no such object, or the caller may not see it."));
    }
    if rule.sends != Sends::Nothing {
        problems.extend([("413", "The body is too large."), ("415", "The body is of another media type.")]);
    }
    if rule.rule == Rule::Public && rule.method == "POST" {
        problems.extend([
            ("401", "The credentials are wrong."),
            ("403", "The call comes from another site."),
            ("429", "Too many attempts; try again after `retry_after` seconds."),
        ]);
    }
    if rule.method != "GET" {
        problems.push(("409", "It collides with what exists."));
    }
    if operation.request_body.is_some() || operation.parameters.is_some() {
        problems.push(("422", "The request is not valid; `detail` says why."));
    }
    if matches!(rule.sends, Sends::Form(_) | Sends::Bytes) {
        problems.push(("507", "A disk is full; nothing was kept."));
        problems.push(("429", "As many of the tenant's documents wait as may; try again after `retry_after` seconds."));
    }
    for (status, words) in problems {
        operation.responses.responses.insert(status.to_owned(), problem(words));
    }
}

fn problem(words: &str) -> utoipa::openapi::RefOr<utoipa::openapi::Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(words).content(MEDIA_TYPE, content).build().into()
}

/// Such as `post_admin_libraries`: stable, since generated clients are named by it.
fn operation_id(rule: &RouteRule) -> String {
    let words = rule
        .path
        .split(['/', '-'])
        .filter(|word| !word.is_empty() && *word != "v1")
        .map(|word| word.trim_matches(['{', '}']));
    let words: Vec<_> = std::iter::once(rule.method.to_lowercase()).chain(words.map(str::to_owned)).collect();
    words.join("_")
}

fn operation<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

/// Compares the description with the route table.
///
/// # Errors
/// Names every operation that only one of them has, rows that occur twice, and path parameters
/// whose kind of id is not declared.
pub fn check(api: &openapi::OpenApi, rules: &[RouteRule]) -> Result<(), String> {
    let mut faults = Vec::new();
    let mut ruled = BTreeSet::new();
    for rule in rules {
        let name = format!("{} {}", rule.method, rule.path);
        let declared = table_ids(rule.ids);
        for parameter in rule.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            if rule.is_described() && !declared.contains(&parameter) {
                faults.push(format!("{name}: the kind of the id {{{parameter}}} is not declared"));
            }
        }
        if !ruled.insert((rule.is_described(), name.clone())) {
            faults.push(format!("{name}: the route table has it twice"));
        }
    }
    let described: BTreeSet<_> = operations(api).map(|name| (true, name)).collect();
    faults.extend(
        described
            .difference(&ruled)
            .map(|(_, name)| format!("{name}: described, but it has no rule in the route table")),
    );
    let ruled = ruled.into_iter().filter(|(is_described, _)| *is_described).collect::<BTreeSet<_>>();
    faults
        .extend(ruled.difference(&described).map(|(_, name)| format!("{name}: in the route table, but not described")));
    if faults.is_empty() {
        Ok(())
    } else {
        Err(format!("The routes are not sound, so the gateway does not start: {}.", faults.join("; ")))
    }
}

fn operations(api: &openapi::OpenApi) -> impl Iterator<Item = String> {
    api.paths.paths.iter().flat_map(|(path, item)| {
        let methods = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
            ("OPTIONS", &item.options),
            ("HEAD", &item.head),
            ("TRACE", &item.trace),
            ("QUERY", &item.query),
        ];
        methods
            .into_iter()
            .filter(|(_, operation)| operation.is_some())
            .map(move |(method, _)| format!("{method} {path}"))
    })
}
