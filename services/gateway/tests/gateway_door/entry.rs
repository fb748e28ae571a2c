//! Who gets in, and what every route refuses.

use crate::running::{PASSWORD, Running};
use fuente_gateway::routes::{Place, RouteRule, Rule, Sends, table};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

fn name(row: &RouteRule) -> String {
    format!("{} {}", row.method, row.path)
}

fn guarded() -> impl Iterator<Item = &'static RouteRule> {
    table().iter().filter(|row| row.rule != Rule::Public)
}

/// The path and query of a row with `id` wherever an id goes.
fn path(row: &RouteRule, id: &str) -> String {
    let mut path = row.path.to_owned();
    let mut query = Vec::new();
    for (place, _) in row.ids {
        match place {
            Place::Path(name) => path = path.replace(&format!("{{{name}}}"), id),
            Place::Query(name) => query.push(format!("{name}={id}")),
            Place::Body => {}
        }
    }
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// The template of a row with a fresh id in every place.
fn body(row: &RouteRule) -> Option<Value> {
    let Sends::Json(template) = row.sends else { return None };
    let filled = row
        .ids
        .iter()
        .fold(template.to_owned(), |text, (_, kind)| text.replace(kind.placeholder(), &Uuid::now_v7().to_string()));
    Some(serde_json::from_str(&filled).unwrap())
}

fn method(row: &RouteRule) -> Method {
    row.method.parse().unwrap()
}

pub async fn strangers_are_refused_before_their_body_is_read(running: &Running) {
    for row in guarded() {
        let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", running.port)).await.unwrap();
        // A megabyte is announced and never sent: only a server that does not wait for it can answer.
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n",
            row.method,
            path(row, "x")
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        tokio::time::timeout(std::time::Duration::from_secs(5), socket.read_exact(&mut status))
            .await
            .unwrap_or_else(|_| panic!("{} waits", name(row)))
            .unwrap();
        assert_eq!(std::str::from_utf8(&status).unwrap(), "HTTP/1.1 401", "{}", name(row));
        for bearer in ["", "fs_", "fk_x", "fs_00000000000000000000000000000000_00"] {
            let reply = running.send(running.call(method(row), &path(row, "x")).bearer_auth(bearer)).await;
            assert_eq!(reply.status, 401, "{} with {bearer}", name(row));
        }
    }
}

pub async fn members_do_not_administer(running: &Running) {
    for row in guarded().filter(|row| matches!(row.rule, Rule::Admin(_))) {
        let reply = running.send(running.as_member(method(row), &path(row, &Uuid::now_v7().to_string()))).await;
        assert_eq!(reply.status, 403, "{}", name(row));
    }
}

pub async fn unknown_fields_are_refused_everywhere(running: &Running) {
    for row in table() {
        let Some(mut body) = body(row) else { continue };
        for field in ["tenant_id", "role_", "owner_id", "created_at"] {
            body[field] = json!("x");
            let reply =
                running.send(running.as_admin(method(row), &path(row, &Uuid::now_v7().to_string())).json(&body)).await;
            assert_eq!(
                (reply.status.as_u16(), reply.json()["code"].as_str()),
                (422, Some("invalid_request")),
                "{}: {}",
                name(row),
                reply.text
            );
            body.as_object_mut().unwrap().remove(field);
        }
    }
}

/// Over every row that takes an id in its path: the same status, the same bytes.
pub async fn ids_that_do_not_exist_and_malformed_ones_answer_the_same(running: &Running) {
    let paths = |row: &&RouteRule| row.path.contains('{') && matches!(row.sends, Sends::Nothing | Sends::Json(_));
    for row in guarded().filter(paths) {
        let mut seen = Vec::new();
        for id in [Uuid::now_v7().to_string(), Uuid::nil().to_string(), "not-an-id".into(), "%00".into()] {
            let request = running.as_admin(method(row), &path(row, &id));
            let request = match body(row) {
                Some(body) => request.json(&body),
                None => request,
            };
            let reply = running.send(request).await;
            assert_eq!(
                (reply.status.as_u16(), reply.json()["code"].as_str()),
                (404, Some("not_found")),
                "{} {id}: {}",
                name(row),
                reply.text
            );
            assert_eq!(reply.headers["content-type"], "application/problem+json");
            seen.push(reply.text);
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{}: {seen:?}", name(row));
    }
}

pub async fn lists_refuse_what_no_page_gave(running: &Running) {
    let lists = guarded().filter(|row| row.method == "GET" && !row.path.contains('{'));
    let mut count = 0;
    for row in lists.filter(|row| {
        let paged = ["users", "groups", "libraries", "documents", "jobs", "api-keys", "policies", "conversations"];
        row.path != "/v1/libraries" && paged.iter().any(|list| row.path.ends_with(list))
    }) {
        let get = |query: &str| running.send(running.as_admin(Method::GET, &format!("{}?{query}", row.path)));
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("after=here", "after"),
        ] {
            let told = get(query).await;
            assert_eq!(
                (told.status.as_u16(), told.json()["code"].as_str()),
                (422, Some("invalid_request")),
                "{} {query}",
                row.path
            );
            assert!(told.text.contains(&format!("`{field}` takes")), "{} {query}: {}", row.path, told.text);
        }
        assert_eq!(get("limit=1").await.status, 200, "{}", row.path);
        count += 1;
    }
    assert_eq!(count, 9, "a list was renamed");
}

pub async fn text_that_no_row_can_hold_is_refused(running: &Running) {
    let library = json!({"name": "a\u{0}b", "rules": []});
    let ask = json!({"question": "What?", "history": [{"question": "a\u{0}b", "answer": ""}]});
    let asked = json!({"question": "What\u{0}?"});
    for (path, body) in [
        ("/v1/admin/libraries", library.clone()),
        ("/v1/admin/groups", json!({"name": "a\u{0}b"})),
        ("/v1/admin/users", json!({"email": "nul@x.org", "name": "a\u{0}b"})),
        ("/v1/conversations", json!({"title": "a\u{0}b"})),
        ("/v1/search", json!({"query": "a\u{0}b"})),
        ("/v1/ask", ask),
        ("/v1/ask", asked),
    ] {
        let told = running.send(running.as_admin(Method::POST, path).json(&body)).await;
        assert_eq!(
            (told.status.as_u16(), told.json()["code"].as_str()),
            (422, Some("invalid_request")),
            "{path}: {}",
            told.text
        );
    }
    let told = running.send(running.as_admin(Method::GET, "/v1/admin/documents?text=a%00b")).await;
    assert_eq!(told.status.as_u16(), 422, "{}", told.text);
}

pub async fn the_last_administrator_stays(running: &Running) {
    let me = running.send(running.as_admin(Method::GET, "/v1/me")).await.json();
    let path = format!("/v1/admin/users/{}/status", me["user"]["id"].as_str().unwrap());
    let told = running.send(running.as_admin(Method::PUT, &path).json(&json!({"active": false}))).await;
    assert_eq!(told.status.as_u16(), 409, "{}", told.text);
}

pub async fn methods_and_paths_that_do_not_exist_say_so(running: &Running) {
    let wrong = running.send(running.as_admin(Method::PUT, "/v1/me")).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.headers["allow"].to_str().unwrap(), wrong.json()["code"].as_str()),
        (405, "GET, HEAD", Some("method_not_allowed"))
    );
    let (whole, head) = (running.as_admin(Method::GET, "/v1/me"), running.as_admin(Method::HEAD, "/v1/me"));
    let (whole, head) = (running.send(whole).await, running.send(head).await);
    assert_eq!((head.status, head.text.as_str()), (whole.status, ""), "HEAD is GET without its body");
    assert_eq!(head.headers["content-type"], whole.headers["content-type"]);
    assert_eq!(running.send(running.call(Method::HEAD, "/v1/me")).await.status, 401);
    for path in ["/v1/nothing", "/v1/me/", "//v1/me", "/v1/%6De/x", "/internal/search", "/v1/admin"] {
        let reply = running.send(running.as_admin(Method::GET, path)).await;
        assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (404, Some("not_found")), "{path}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert!(reply.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    }
}

pub async fn signing_in_tells_nothing_and_is_limited(running: &Running) {
    let attempt = |tenant: &str, email: &str, password: &str| {
        running.send(
            running
                .call(Method::POST, "/v1/auth/sign-in")
                .json(&json!({"tenant": tenant, "email": email, "password": password})),
        )
    };
    let wrong = attempt("sample", "admin@x.org", "wrong wrong wrong").await;
    let unknown = attempt("sample", "nobody@x.org", "wrong wrong wrong").await;
    let elsewhere = attempt("no-such-tenant", "admin@x.org", PASSWORD).await;
    assert_eq!(wrong.status, 401);
    assert_eq!((&wrong.text, unknown.status), (&unknown.text, wrong.status));
    assert_eq!((&wrong.text, elsewhere.status), (&elsewhere.text, wrong.status));
    for body in [
        json!({"email": "admin@x.org", "password": null}),
        json!({"email": ["admin@x.org"], "password": PASSWORD}),
        json!({"email": "admin@x.org"}),
    ] {
        assert_eq!(
            running.send(running.call(Method::POST, "/v1/auth/sign-in").json(&body)).await.status,
            422,
            "{body}"
        );
    }
    // What cannot be an account is refused alike, and takes up no room among the counts: more of them
    // than an address may fail would else close the door.
    let long = format!("{}@x.org", "a".repeat(300));
    for _ in 0..40 {
        let refused = attempt("sample", &long, "wrong wrong wrong").await;
        assert_eq!((&wrong.text, refused.status), (&refused.text, wrong.status));
    }
    // Three attempts are allowed; the fourth is refused even with the right password.
    for _ in 0..2 {
        assert_eq!(attempt("sample", "member@x.org", "wrong wrong wrong").await.status, 401);
    }
    assert_eq!(attempt("sample", "MEMBER@x.org ", "wrong wrong wrong").await.status, 401);
    let limited = attempt("sample", "member@x.org", PASSWORD).await;
    assert_eq!((limited.status.as_u16(), limited.json()["code"].as_str()), (429, Some("rate_limited")));
    assert!(limited.headers.contains_key("retry-after"));
}

pub async fn a_cookie_alone_changes_nothing_from_elsewhere(running: &Running) {
    let body = json!({"email": "admin@x.org", "password": PASSWORD});
    let cross = running.call(Method::POST, "/v1/auth/sign-in").header("sec-fetch-site", "cross-site");
    assert_eq!(running.send(cross.json(&body)).await.status, 403);
    let reply = running.send(running.call(Method::POST, "/v1/auth/sign-in").json(&body)).await;
    let cookie = reply.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    assert!(reply.json()["token"].is_null(), "{}", reply.text);
    let pair = cookie.split(';').next().unwrap().to_owned();

    let with = |method: Method, path: &str| running.call(method, path).header("cookie", &pair);
    assert_eq!(running.send(with(Method::GET, "/v1/me")).await.json()["credential"], "session");
    let group = json!({"name": "From elsewhere"});
    assert_eq!(
        running
            .send(with(Method::POST, "/v1/admin/groups").header("origin", "https://evil.example").json(&group))
            .await
            .status,
        403
    );
    assert_eq!(
        running
            .send(with(Method::POST, "/v1/admin/groups").header("content-type", "text/plain").body(group.to_string()))
            .await
            .status,
        403
    );
    assert_eq!(running.send(running.as_admin(Method::GET, "/v1/admin/groups")).await.json()["items"], json!([]));
    // A bearer decides alone: a bad one is not made good by the cookie.
    assert_eq!(running.send(with(Method::GET, "/v1/me").bearer_auth("fs_bad")).await.status, 401);
    let out = with(Method::POST, "/v1/auth/sign-out").header("sec-fetch-site", "same-origin");
    assert_eq!(running.send(out).await.status, 204);
    assert_eq!(running.send(with(Method::GET, "/v1/me")).await.status, 401);
}

pub async fn keys_do_what_their_scopes_name(running: &Running) {
    let me = running.send(running.as_admin(Method::GET, "/v1/me")).await.json()["user"]["id"].clone();
    let make = |scopes: Value| json!({"name": "K", "user": me, "scopes": scopes});
    let post = |body: Value| running.send(running.as_admin(Method::POST, "/v1/admin/api-keys").json(&body));
    for (what, body) in [("unknown scope", make(json!(["everything"]))), ("none", make(json!([])))] {
        assert_eq!(post(body).await.status, 422, "{what}");
    }
    let mut limited = make(json!(["admin"]));
    limited["libraries"] = json!([Uuid::now_v7()]);
    assert_eq!(post(limited).await.status, 422);

    let made = post(make(json!(["search"]))).await.json();
    let secret = made["secret"].as_str().unwrap();
    let with = |method: Method, path: &str| running.call(method, path).bearer_auth(secret);
    assert_eq!(running.send(with(Method::GET, "/v1/me")).await.json()["scopes"], json!(["search"]));
    assert_eq!(running.send(with(Method::POST, "/v1/search").json(&json!({"query": "x"}))).await.status, 200);
    assert_eq!(running.send(with(Method::POST, "/v1/ask").json(&json!({"question": "x"}))).await.status, 403);
    assert_eq!(running.send(with(Method::GET, "/v1/admin/users")).await.status, 403);
    assert_eq!(running.send(with(Method::POST, "/v1/admin/api-keys").json(&make(json!(["admin"])))).await.status, 403);
    assert!(!running.send(running.as_admin(Method::GET, "/v1/admin/api-keys")).await.text.contains(secret));
    let path = format!("/v1/admin/api-keys/{}", made["id"].as_str().unwrap());
    assert_eq!(running.send(running.as_admin(Method::DELETE, &path)).await.status, 204);
    assert_eq!(running.send(with(Method::GET, "/v1/me")).await.status, 401);
}

pub async fn the_documentation_needs_no_other_server(running: &Running) {
    let page = running.send(running.call(Method::GET, "/docs/")).await;
    assert_eq!(page.status, 200);
    for file in page.text.split("\"./").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(running.send(running.call(Method::GET, &format!("/docs/{file}"))).await.status, 200, "{file}");
    }
    assert!(!page.text.contains("//"), "the page loads from elsewhere");
    let setup = running.send(running.call(Method::GET, "/docs/swagger-initializer.js")).await.text;
    assert!(setup.contains("/openapi.json") && !setup.contains("petstore"), "{setup}");
    assert_eq!(running.send(running.call(Method::GET, "/openapi.json")).await.json()["info"]["title"], "Fuente");
    assert_eq!(running.send(running.call(Method::GET, "/readyz")).await.json()["status"], "ready");
    assert!(running.send(running.call(Method::GET, "/")).await.text.contains("/docs"));
}
