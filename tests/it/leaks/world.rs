//! Two tenants with one object of every kind each, and everyone who is a stranger to the first.

use super::{normal, scope};
use fuente_gateway::routes::{IdKind, Key, RouteRule, Rule};
use fuente_tests::tenant::{allow_groups, everyone, id};
use fuente_tests::{Person, Tenant, TestApp, events};
use reqwest::StatusCode;
use serde_json::json;
use std::collections::HashMap;

/// Stands in every name, title and text of the first tenant. Lower case, as replies are compared.
pub const CANARY: &str = "zarquon7731";
/// A name of the callers' own; it is no secret and nothing to guess.
pub const EXTERNAL: &str = "handbook";

pub type Objects = HashMap<IdKind, String>;

/// A tenant with one object of every kind.
pub struct Company {
    pub tenant: Tenant,
    /// Reads the document and owns the conversation.
    pub reader: Person,
    pub objects: Objects,
}

/// Somebody who may see nothing of the first tenant's objects.
pub struct Stranger {
    pub name: &'static str,
    person: Person,
    /// For a key: a second one, with another scope, so that one of the two always lacks the scope.
    other: Option<Person>,
    pub own: Objects,
    is_admin: bool,
}

pub struct World {
    pub a: Company,
    pub nobody: Person,
    pub strangers: Vec<Stranger>,
}

impl Stranger {
    fn new(name: &'static str, person: Person, own: Objects) -> Self {
        Self { name, person, other: None, own, is_admin: false }
    }

    /// Keys that lack scopes are strangers only where a scope (or a session) is asked for.
    pub fn is_stranger_to(&self, route: &RouteRule) -> bool {
        self.other.is_none() || !matches!(scope(route), None | Some(Key::Any))
    }

    pub fn person(&self, route: &RouteRule) -> &Person {
        match (&self.other, scope(route)) {
            (Some(other), Some(Key::Scope("ask"))) => other,
            _ => &self.person,
        }
    }

    /// The stranger's own objects. A new question knows the earlier ones of its conversation, so
    /// each gets a conversation of its own, or two equal calls would differ.
    pub async fn own_for(&self, route: &RouteRule) -> Objects {
        let mut own = self.own.clone();
        if route.path.ends_with("/messages") && self.person.token.is_some() {
            let made = self.person.post("/v1/conversations", json!({ "title": "Mine" })).await;
            if made.status.is_success() {
                own.insert(IdKind::Conversation, id(&made.json()));
            }
        }
        own
    }

    /// The status that this stranger must get from a route, whatever it is asked for.
    pub fn expected(&self, route: &RouteRule) -> Option<StatusCode> {
        match route.rule {
            Rule::Public => None,
            _ if self.person.token.is_none() => Some(StatusCode::UNAUTHORIZED),
            _ if self.other.is_some() => Some(StatusCode::FORBIDDEN),
            Rule::Admin(_) if !self.is_admin => Some(StatusCode::FORBIDDEN),
            _ => None,
        }
    }
}

impl Company {
    /// `word` goes into every text; the conversation gets a real answer that quotes the document.
    async fn make(app: &TestApp, slug: &str, word: &str, answered: bool) -> Self {
        let tenant = Tenant::make(app, slug).await;
        let (reader, user) = tenant.user(word, "member").await;
        let group = tenant.group(&format!("{word} group")).await;
        tenant.join(&group, &user).await;
        let library = tenant.library(&format!("{word} library"), allow_groups(&[&group])).await;
        let text = format!("# The {word} plan\n\nThe {word} plan pays every employee 37 days of leave in a year.\n");
        let accepted = tenant.publish(&library, &format!("{word}-plan"), &text).await;
        let field = |name: &str| accepted[name].as_str().unwrap_or_default().to_owned();
        let policy = tenant.admin.get(&format!("/v1/admin/libraries/{library}")).await.ok();
        let policy = policy["policy"].as_str().unwrap_or_default().to_owned();
        let (key, _) = tenant.key(&format!("{word} key"), &user, &["ask"], None).await;
        let conversation = id(&reader.post("/v1/conversations", json!({ "title": format!("{word} talk") })).await.ok());
        if answered {
            let question =
                json!({ "question": format!("How many days of leave does the {word} plan pay?"), "max_tokens": 24 });
            let events = events::post(&reader, &format!("/v1/conversations/{conversation}/messages"), question).await;
            assert_eq!(events.last().map(|event| event.name.as_str()), Some("done"), "{events:?}");
        }
        let objects = Objects::from([
            (IdKind::User, user),
            (IdKind::Group, group),
            (IdKind::Library, library),
            (IdKind::Document, field("document")),
            (IdKind::Version, field("version")),
            (IdKind::Policy, policy),
            (IdKind::Job, field("job")),
            (IdKind::Conversation, conversation),
            (IdKind::ApiKey, key),
        ]);
        Self { tenant, reader, objects }
    }
}

impl World {
    pub async fn make(app: &TestApp) -> Self {
        let a = Company::make(app, "leaks-a", CANARY, true).await;
        let b = Company::make(app, "leaks-b", "plain", false).await;
        // What strangers inside the first tenant may use: a library for everyone, talks of their own.
        let open = a.tenant.library("Open", everyone()).await;
        let accepted = a.tenant.publish(&open, "open", "# Canteen\n\nThe canteen opens at noon.\n").await;
        let field = |name: &str| accepted[name].as_str().unwrap_or_default().to_owned();
        let open_objects = Objects::from([
            (IdKind::Library, open.clone()),
            (IdKind::Document, field("document")),
            (IdKind::Version, field("version")),
        ]);
        let (bystander, bystander_id) = a.tenant.user("bystander", "member").await;
        let talk = id(&bystander.post("/v1/conversations", json!({ "title": "Mine" })).await.ok());
        let mut own = open_objects.clone();
        own.extend([(IdKind::Conversation, talk), (IdKind::User, bystander_id)]);
        let (auditor, _) = a.tenant.user("auditor", "auditor").await;
        // May read everything in person, but this key only the open library.
        let (_, holder) = a.tenant.user("holder", "member").await;
        a.tenant.join(&a.objects[&IdKind::Group], &holder).await;
        let (_, limited) =
            a.tenant.key("limited", &holder, &["ask", "search", "documents:read"], Some(vec![&open])).await;
        // Keys of the administrator, who may do everything in person.
        let admin = &a.tenant.admin_id;
        let (_, asks) = a.tenant.key("asks", admin, &["ask"], None).await;
        let (_, nothing) = a.tenant.key("searches", admin, &["search"], None).await;
        let (url, nobody) = (&app.url, Person::anonymous(&app.url));
        let strangers = vec![
            Stranger {
                is_admin: true,
                ..Stranger::new("another tenant's administrator", b.tenant.admin.clone(), b.objects.clone())
            },
            Stranger::new("another tenant's member", b.reader.clone(), b.objects.clone()),
            Stranger::new("another member", bystander, own),
            Stranger::new("an auditor", auditor, open_objects.clone()),
            Stranger::new("a key for another library", Person::holding(url, &limited), open_objects),
            Stranger {
                other: Some(Person::holding(url, &nothing)),
                ..Stranger::new("a key without the scope", Person::holding(url, &asks), a.objects.clone())
            },
            Stranger::new("nobody", nobody.clone(), Objects::new()),
        ];
        Self { a, nobody, strangers }
    }

    /// Who may make the request of this route on the first tenant's objects.
    pub fn rightful(&self, route: &RouteRule) -> &Person {
        if matches!(route.rule, Rule::Admin(_)) { &self.a.tenant.admin } else { &self.a.reader }
    }

    /// Everything of the first tenant that a stranger could have changed, as its owners see it.
    pub async fn snapshot(&self) -> Vec<String> {
        let object = |kind: IdKind| &self.a.objects[&kind];
        let (document, library, group) = (object(IdKind::Document), object(IdKind::Library), object(IdKind::Group));
        let (admin, reader) = (&self.a.tenant.admin, &self.a.reader);
        let mut seen = Vec::new();
        for (person, path) in [
            (admin, format!("/v1/admin/libraries/{library}")),
            (admin, format!("/v1/admin/documents?library={library}")),
            (admin, format!("/v1/admin/groups/{group}/members")),
            (admin, format!("/v1/admin/users/{}", object(IdKind::User))),
            (admin, format!("/v1/admin/policies/{}", object(IdKind::Policy))),
            (admin, format!("/v1/admin/jobs/{}", object(IdKind::Job))),
            (admin, "/v1/admin/users".to_owned()),
            (admin, "/v1/admin/groups".to_owned()),
            (admin, "/v1/admin/libraries".to_owned()),
            (admin, "/v1/admin/api-keys".to_owned()),
            (reader, format!("/v1/documents/{document}/text")),
            (reader, format!("/v1/conversations/{}", object(IdKind::Conversation))),
        ] {
            let reply = person.get(&path).await;
            assert!(reply.status.is_success(), "{path}: {} {}", reply.status, reply.body);
            seen.push(format!("{path} {}", normal::body(&reply.body)));
        }
        seen
    }
}
