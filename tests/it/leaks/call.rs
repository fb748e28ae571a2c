//! Requests made from rows of the route table.

use fuente_gateway::routes::{Answers, IdKind, Place, RouteRule, Sends};
use fuente_tests::Person;
use fuente_tests::people::Reply;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// A request, whoever sends it.
#[derive(Clone, Debug)]
pub struct Call {
    method: &'static str,
    pub path: String,
    pub body: Body,
    events: bool,
}

#[derive(Clone, Debug)]
pub enum Body {
    Nothing,
    Json(Value),
    /// `name=value` lines; a file follows them.
    Form(String),
    Bytes,
}

const FILE: &str = "# Nothing\n\nNothing to see here.\n";

impl Call {
    /// The valid request of a route, with `id` for each of its places.
    pub fn of(route: &RouteRule, id: impl Fn(usize, IdKind) -> String) -> Self {
        let (mut path, mut query) = (route.path.to_owned(), Vec::new());
        let mut text = match route.sends {
            Sends::Json(template) | Sends::Form(template) => template.to_owned(),
            Sends::Nothing | Sends::Bytes => String::new(),
        };
        for (slot, (place, kind)) in route.ids.iter().enumerate() {
            let id = id(slot, *kind);
            match place {
                Place::Path(name) => path = path.replace(&format!("{{{name}}}"), &id),
                Place::Query(name) => query.push(format!("{name}={id}")),
                Place::Body => text = text.replace(kind.placeholder(), &id),
            }
        }
        if super::is_page(route) {
            path = path.replace("{file}", "index.html");
        }
        assert!(!path.contains('{') && !text.contains('$'), "{} {} has an id that the table does not name", path, text);
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let body = match route.sends {
            Sends::Nothing => Body::Nothing,
            Sends::Json(_) => Body::Json(serde_json::from_str(&text).expect("templates are JSON")),
            Sends::Form(_) => Body::Form(text),
            Sends::Bytes => Body::Bytes,
        };
        Self {
            method: route.method,
            path,
            body,
            events: matches!(route.answers, Answers::Events | Answers::JsonOrEvents),
        }
    }

    /// This request for one whole reply, where it could also come as events.
    pub fn whole(self) -> Self {
        Self { events: false, ..self }
    }

    /// Without its body.
    pub fn request(&self, person: &Person) -> RequestBuilder {
        let request = person.request(self.method.parse().expect("a method"), &self.path);
        if self.events { request.header("accept", "text/event-stream") } else { request }
    }

    /// This request with a field that nothing knows, at each place where one fits.
    pub fn with_unknown_fields(&self) -> Vec<Self> {
        let with = |body: Body| Self { body, ..self.clone() };
        match &self.body {
            Body::Json(value) => objects(value)
                .into_iter()
                .map(|at| {
                    let mut odd = value.clone();
                    odd.pointer_mut(&at).expect("it was just found")["unheard_of"] = json!(1);
                    with(Body::Json(odd))
                })
                .collect(),
            Body::Form(lines) => vec![with(Body::Form(format!("{lines}\nunheard_of=1")))],
            Body::Nothing | Body::Bytes => Vec::new(),
        }
    }
}

/// JSON pointers of all objects in `value`.
fn objects(value: &Value) -> Vec<String> {
    let below = |key: String, value: &Value| objects(value).into_iter().map(move |at| format!("/{key}{at}"));
    match value {
        Value::Object(fields) => std::iter::once(String::new())
            .chain(fields.iter().flat_map(|(key, value)| below(key.clone(), value)))
            .collect(),
        Value::Array(items) => items.iter().enumerate().flat_map(|(at, value)| below(at.to_string(), value)).collect(),
        _ => Vec::new(),
    }
}

/// Sends it as `person`.
pub async fn replay(person: &Person, call: &Call) -> Reply {
    let request = call.request(person);
    let request = match &call.body {
        Body::Nothing => request,
        Body::Json(value) => request.json(value),
        Body::Bytes => request.body(FILE),
        Body::Form(lines) => request.header("content-type", "multipart/form-data; boundary=between").body(form(lines)),
    };
    person.send(request).await
}

fn form(lines: &str) -> String {
    let part =
        |head: &str, body: &str| format!("--between\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n");
    let fields = lines
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| part(&format!("name=\"{name}\""), value));
    let file = part("name=\"file\"; filename=\"nothing.md\"", FILE);
    fields.chain([file, "--between--\r\n".to_owned()]).collect()
}
