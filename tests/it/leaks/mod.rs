//! The leak matrix: every route of the table, asked by everyone who has no business there. What
//! they get for an object that exists must be what they get for one that does not.

mod call;
mod normal;
mod world;

use crate::Case;
use call::{Call, replay};
use fuente_gateway::routes::{Answers, IdKind, Key, Place, RouteRule, Rule, Sends, table};
use fuente_tests::TestApp;
use fuente_tests::people::Reply;
use reqwest::StatusCode;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use uuid::Uuid;
use world::{CANARY, Objects, Stranger, World};

pub fn cases() -> Vec<Case> {
    vec![
        Case::app("leaks::the_rightful_are_served", the_rightful_are_served),
        Case::app("leaks::strangers_cannot_tell_what_exists", strangers_cannot_tell_what_exists),
        Case::app("leaks::nobody_is_refused_before_the_body_is_read", nobody_is_refused_before_the_body_is_read),
        Case::app("leaks::unknown_fields_are_refused", unknown_fields_are_refused),
    ]
}

static WORLD: OnceLock<World> = OnceLock::new();

fn world(app: &TestApp) -> &'static World {
    WORLD.get_or_init(|| app.run(World::make(app)))
}

fn name(route: &RouteRule) -> String {
    format!("{} {}", route.method, route.path)
}

/// An id that nothing has.
fn random(kind: IdKind) -> String {
    if kind == IdKind::External { world::EXTERNAL.to_owned() } else { Uuid::now_v7().to_string() }
}

fn real(objects: &Objects, kind: IdKind) -> String {
    objects.get(&kind).cloned().unwrap_or_else(|| random(kind))
}

/// Without this, the matrix could compare refusals of requests that nobody could make.
fn the_rightful_are_served(app: &TestApp) {
    let world = world(app);
    app.run(async {
        let mut served = 0;
        for route in table()
            .iter()
            .filter(|route| !route.ids.is_empty() && (route.method == "GET" || route.path == "/v1/search"))
        {
            let call = Call::of(route, |_, kind| real(&world.a.objects, kind));
            let reply = replay(world.rightful(route), &call).await;
            assert!(reply.status.is_success(), "{}: {} {}", name(route), reply.status, reply.body);
            let shows = reply.body.to_lowercase().contains(CANARY)
                || world.a.objects.values().any(|id| reply.body.contains(id));
            assert!(shows, "{} shows nothing of what it was asked for: {}", name(route), reply.body);
            served += 1;
        }
        assert!(served >= 12, "only {served} routes were tried");
    });
}

fn strangers_cannot_tell_what_exists(app: &TestApp) {
    let world = world(app);
    app.run(async {
        let before = world.snapshot().await;
        let mut visited = BTreeSet::new();
        // Signing out ends the credential, so it comes last.
        let mut routes: Vec<&RouteRule> = table().iter().collect();
        routes.sort_by_key(|route| route.path == "/v1/auth/sign-out");
        for route in routes {
            for stranger in &world.strangers {
                if stranger.is_stranger_to(route) {
                    one_route(world, route, stranger, |call| call).await;
                    if route.answers == Answers::JsonOrEvents {
                        one_route(world, route, stranger, Call::whole).await;
                    }
                }
            }
            visited.insert(name(route));
        }
        assert_eq!(visited.len(), table().len(), "every route is visited once");
        assert_eq!(world.snapshot().await, before, "strangers changed something");
    });
}

/// All ids together, then each alone among the stranger's own.
async fn one_route(world: &World, route: &RouteRule, stranger: &Stranger, form: fn(Call) -> Call) {
    let slots: Vec<usize> = (0..route.ids.len()).filter(|slot| route.ids[*slot].1 != IdKind::External).collect();
    let person = stranger.person(route);
    if slots.is_empty() {
        let reply = replay(person, &form(Call::of(route, |_, kind| real(&stranger.own, kind)))).await;
        check(world, route, stranger, &reply, &[]);
        return;
    }
    let variants =
        std::iter::once(slots.clone()).chain(slots.iter().filter(|_| slots.len() > 1).map(|slot| vec![*slot]));
    for hidden in variants {
        let sent: Vec<String> = hidden.iter().map(|slot| real(&world.a.objects, route.ids[*slot].1)).collect();
        let own = stranger.own_for(route).await;
        let known = form(Call::of(route, |slot, kind| {
            real(if hidden.contains(&slot) { &world.a.objects } else { &own }, kind)
        }));
        let found = replay(person, &known).await;
        let own = stranger.own_for(route).await;
        let unknown =
            form(Call::of(route, |slot, kind| if hidden.contains(&slot) { random(kind) } else { real(&own, kind) }));
        let missing = replay(person, &unknown).await;
        check(world, route, stranger, &found, &sent);
        let same = normal::form(&found) == normal::form(&missing);
        assert!(
            same,
            "{} by {} tells {} (exists) from {} (does not):\n{:?}\n{:?}",
            name(route),
            stranger.name,
            known.path,
            unknown.path,
            normal::form(&found),
            normal::form(&missing)
        );
        // Taking out a member who is not there is no error; everything else that a path names must exist.
        let must_exist = |place: Place| matches!(place, Place::Path(name) if name == "id" || route.method != "DELETE");
        let in_path = hidden.iter().any(|slot| must_exist(route.ids[*slot].0));
        let refused = [401, 403, 404].contains(&found.status.as_u16());
        assert!(refused || !in_path, "{} by {} answers {} {}", name(route), stranger.name, found.status, found.body);
    }
}

/// What holds of every reply to a stranger.
fn check(world: &World, route: &RouteRule, stranger: &Stranger, reply: &Reply, sent: &[String]) {
    let whole = format!("{:?}\n{}", reply.headers, reply.body).to_lowercase();
    let at = format!("{} by {}: {whole}", name(route), stranger.name);
    assert!(!whole.contains(CANARY), "the canary escaped: {at}");
    let shown = world.a.objects.values().find(|id| whole.contains(id.as_str()) && !sent.contains(id));
    assert!(shown.is_none(), "{shown:?} escaped: {at}");
    assert_ne!(reply.status.as_u16() / 100, 5, "{at}");
    if let Some(status) = stranger.expected(route) {
        assert_eq!(reply.status, status, "{at}");
    }
}

fn nobody_is_refused_before_the_body_is_read(app: &TestApp) {
    let world = world(app);
    app.run(async {
        let mut refused = 0;
        for route in table().iter().filter(|route| route.rule != Rule::Public) {
            let call = Call::of(route, |_, kind| real(&world.a.objects, kind));
            for content in ["application/json", "multipart/form-data; boundary=x", "nonsense"] {
                let request =
                    call.request(&world.nobody).header("content-type", content).body(vec![0xff, b'{', 0, b'j']);
                let reply = world.nobody.send(request).await;
                assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{} {}", name(route), reply.body);
            }
            refused += 1;
        }
        let public: Vec<String> = table().iter().filter(|route| route.rule == Rule::Public).map(name).collect();
        assert_eq!(refused + public.len(), table().len());
        let pages = [
            "GET /",
            "GET /docs",
            "GET /docs/",
            "GET /docs/{file}",
            "GET /healthz",
            "GET /openapi.json",
            "GET /readyz",
            "POST /v1/auth/sign-in",
        ];
        assert_eq!(BTreeSet::from_iter(public), pages.map(str::to_owned).into(), "a new public route must be meant");
    });
}

fn unknown_fields_are_refused(app: &TestApp) {
    let world = world(app);
    app.run(async {
        let before = world.snapshot().await;
        let mut tried = 0;
        for route in table().iter().filter(|route| matches!(route.sends, Sends::Json(_) | Sends::Form(_))) {
            let call = Call::of(route, |_, kind| real(&world.a.objects, kind));
            for odd in call.with_unknown_fields() {
                let reply = replay(world.rightful(route), &odd).await;
                assert_eq!(
                    reply.status,
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "{} with {:?}: {}",
                    name(route),
                    odd.body,
                    reply.body
                );
                tried += 1;
            }
        }
        assert!(tried >= 12, "only {tried} bodies were tried");
        assert_eq!(world.snapshot().await, before, "a refused body changed something");
    });
}

/// The scope that a route asks of a key.
fn scope(route: &RouteRule) -> Option<Key> {
    match route.rule {
        Rule::Public => None,
        Rule::SignedIn(key) | Rule::Admin(key) => Some(key),
    }
}

/// Whether the path may hold a parameter that is no id: the name of a file of the documentation.
fn is_page(route: &RouteRule) -> bool {
    route.answers == Answers::Page
}
