//! Many files in one call, what is remembered of them, and what administrators see of them after.

use crate::Case;
use fuente_tests::tenant::{allow_groups, everyone};
use fuente_tests::{Tenant, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    vec![
        Case::app("uploads::each_file_of_a_form_has_its_own_outcome", each_file_of_a_form_has_its_own_outcome),
        Case::app("uploads::a_caller_says_what_nobody_waits_for", a_caller_says_what_nobody_waits_for),
        Case::app("uploads::rules_and_metadata_come_with_the_bytes", rules_and_metadata_come_with_the_bytes),
        Case::app("uploads::lists_are_cut_by_every_filter", lists_are_cut_by_every_filter),
        Case::app("uploads::a_stored_original_is_read_again", a_stored_original_is_read_again),
        Case::app("uploads::originals_go_to_readers_and_to_nobody_else", originals_go_to_readers_and_to_nobody_else),
        Case::app("uploads::a_part_of_a_text_is_cut_by_characters", a_part_of_a_text_is_cut_by_characters),
    ]
}

/// A form of parts: (name, file name, content).
fn form(parts: &[(&str, Option<&str>, &str)]) -> String {
    let part = |(name, file, content): &(&str, Option<&str>, &str)| {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        format!("--between\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n")
    };
    parts.iter().map(part).collect::<String>() + "--between--\r\n"
}

async fn send(tenant: &Tenant, parts: &[(&str, Option<&str>, &str)]) -> (StatusCode, Value) {
    let request = tenant.admin.request(Method::POST, "/v1/admin/documents");
    let request = request.header("content-type", "multipart/form-data; boundary=between").body(form(parts));
    let reply = tenant.admin.send(request).await;
    (reply.status, reply.json())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn names(tenant: &Tenant, query: &str) -> Vec<String> {
    let page = tenant.admin.get(&format!("/v1/admin/documents?{query}")).await.ok();
    page["items"].as_array().into_iter().flatten().map(|item| text(&item["external_id"]).to_owned()).collect()
}

fn each_file_of_a_form_has_its_own_outcome(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "uploads-form").await;
        let library = tenant.library("All", everyone()).await;
        let (status, reply) = send(
            &tenant,
            &[
                ("library", None, &library),
                ("metadata", None, r#"{"team":"ops"}"#),
                ("external_id", None, "one"),
                ("title", None, "The first"),
                ("file", Some("a.md"), "# A\n\nThe first of the files.\n"),
                ("file", Some("b.md"), "# B\n\nThe second of the files.\n"),
                ("rules", None, r#"[{"effect":"allow","who":{"all_of":[]}}]"#),
                ("file", Some("bad.md"), "# Bad\n\nIts rules are wrong.\n"),
                ("rules", None, "null"),
                ("metadata", None, r#"{"team":"legal"}"#),
                ("file", Some("c.md"), "# C\n\nThe third of the files.\n"),
                ("external_id", None, "one"),
                ("file", Some("a.md"), "# A\n\nThe first of the files.\n"),
            ],
        )
        .await;
        assert_eq!(status, StatusCode::ACCEPTED, "{reply}");
        let files = reply["files"].as_array().expect("the files");
        let outcomes: Vec<_> = files.iter().map(|file| (text(&file["external_id"]), text(&file["outcome"]))).collect();
        let expected =
            [("one", "accepted"), ("b.md", "accepted"), ("", "refused"), ("c.md", "accepted"), ("one", "unchanged")];
        assert_eq!(outcomes, expected, "{reply}");
        assert_eq!(
            (&files[2]["problem"]["code"], &files[2]["file_name"]),
            (&json!("invalid_request"), &json!("bad.md"))
        );
        assert_eq!(files[4]["document"], files[0]["document"]);
        for file in [&files[0], &files[1], &files[3]] {
            assert_eq!(tenant.finished(file).await["state"], "done");
        }
        assert_eq!(
            names(&tenant, &format!("metadata={}", encoded(r#"{"team":"ops"}"#))).await,
            ["b.md"],
            "the last call of `one` says legal"
        );
        assert_eq!(names(&tenant, &format!("metadata={}", encoded(r#"{"team":"legal"}"#))).await, ["one", "c.md"]);
        let listed = tenant.admin.get("/v1/admin/documents?text=first").await.ok();
        assert_eq!(listed["items"][0]["title"], "The first", "{listed}");

        // Nothing taken: the first file's problem, with the outcomes.
        let bad = ("metadata", None, r#"{"a":1}"#);
        let (status, reply) = send(
            &tenant,
            &[("library", None, &library), bad, ("file", Some("x.md"), "x"), ("file", Some("y.md"), "y")],
        )
        .await;
        assert_eq!((status, &reply["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_request")), "{reply}");
        assert_eq!(reply["files"].as_array().map(Vec::len), Some(2), "{reply}");
        // A form that breaks a rule half way says what was taken before.
        let odd = [
            ("library", None, library.as_str()),
            ("file", Some("taken.md"), "# Taken\n\nIt was taken.\n"),
            ("odd", None, "1"),
        ];
        let (status, reply) = send(&tenant, &odd).await;
        assert_eq!((status, &reply["files"][0]["outcome"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("accepted")));
        assert_eq!(names(&tenant, "text=taken").await, ["taken.md"]);
    });
}

fn rules_and_metadata_come_with_the_bytes(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "uploads-put").await;
        let (reader, user) = tenant.user("reader", "member").await;
        let (other, _) = tenant.user("other", "member").await;
        let group = tenant.group("Readers").await;
        tenant.join(&group, &user).await;
        let library = tenant.library("All", everyone()).await;
        let put = async |query: String, bytes: &str| {
            let pairs = query.split('|').filter_map(|pair| pair.split_once('='));
            let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            let path = format!("/v1/admin/libraries/{library}/documents/plan?{}", query.join("&"));
            let request = tenant.admin.request(Method::PUT, &path);
            tenant.admin.send(request.body(bytes.to_owned())).await
        };
        const PLAN: &str = "# Plan\n\nThe plan is to move in May.\n";
        let rules = allow_groups(&[&group]);
        let meta = r#"{"year":"2026","owner":"Ana María"}"#;
        let accepted = put(format!("file_name=plan.md|rules={rules}|metadata={meta}"), PLAN).await.ok();
        assert_eq!(tenant.finished(&accepted).await["state"], "done");
        let path = format!("/v1/documents/{}", text(&accepted["document"]));
        let seen = reader.get(&path).await.ok();
        assert_eq!(seen["metadata"], json!({"year": "2026", "owner": "Ana María"}));
        assert_eq!(seen["own_policy"], true);
        assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND);

        // The same bytes with other rules and metadata: no work, and they hold at once. What is left out stays.
        let same = put(format!("file_name=plan.md|rules={}", everyone()), PLAN).await.ok();
        assert_eq!(same["unchanged"], true, "{same}");
        assert_eq!(other.get(&path).await.ok()["metadata"]["year"], "2026");
        let same = put("file_name=plan.md|metadata={}".to_owned(), PLAN).await.ok();
        assert_eq!((&same["unchanged"], &other.get(&path).await.ok()["metadata"]), (&json!(true), &json!({})));

        let long = "x".repeat(501);
        let many: serde_json::Map<_, _> = (0..33).map(|n| (n.to_string(), json!("x"))).collect();
        for wrong in [
            "rules=[{}]".to_owned(),
            "rules=nonsense".to_owned(),
            "metadata=[]".to_owned(),
            r#"metadata={"a":1}"#.to_owned(),
            format!(r#"metadata={{"a":"{long}"}}"#),
            format!(r#"metadata={{"{}":"a"}}"#, "k".repeat(65)),
            r#"metadata={" ":"a"}"#.to_owned(),
            format!("metadata={}", Value::Object(many)),
            "unheard=of".to_owned(),
        ] {
            let reply = put(wrong.clone(), "# Other\n\nOther.\n").await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {}", reply.body);
        }
        // A group of another tenant and one that nobody has are the same answer.
        let stranger = Tenant::make(app, "uploads-put-other").await;
        let hidden = put(format!("rules={}", allow_groups(&[&stranger.group("Secret").await])), "# O\n\nO.\n").await;
        let missing = put(format!("rules={}", allow_groups(&[&uuid::Uuid::now_v7().to_string()])), "# O\n\nO.\n").await;
        assert!(!hidden.status.is_success());
        assert_eq!((hidden.status, hidden.body), (missing.status, missing.body));
    });
}

fn lists_are_cut_by_every_filter(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "uploads-lists").await;
        let (one, two) = (tenant.library("One", everyone()).await, tenant.library("Two", everyone()).await);
        tenant.publish(&one, "travel%2F2026_plan", "# Travel 100%\n\nTrips need leave.\n").await;
        tenant.publish(&two, "meals", "# Meals\n\nLunch is at noon.\n").await;
        let failed = tenant.upload(&two, "empty", "empty.md", "").await.ok();
        assert_eq!(tenant.finished(&failed).await["state"], "failed");
        let after = tenant.admin.get("/v1/admin/documents?text=empty").await.ok()["items"][0]["updated_at"].clone();
        for (query, expected) in [
            (format!("library={two}"), vec!["meals", "empty"]),
            ("state=ready".to_owned(), vec!["travel/2026_plan", "meals"]),
            ("state=failed".to_owned(), vec!["empty"]),
            ("state=processing".to_owned(), vec![]),
            (format!("state=failed&library={one}"), vec![]),
            ("text=TRAVEL%2F".to_owned(), vec!["travel/2026_plan"]),
            ("text=100%25".to_owned(), vec!["travel/2026_plan"]),
            ("text=%25".to_owned(), vec!["travel/2026_plan"]),
            ("text=2026_p".to_owned(), vec!["travel/2026_plan"]),
            ("text=l_nch".to_owned(), vec![]),
            (format!("updated_since={}", text(&after)), vec!["empty"]),
        ] {
            let mut found = names(&tenant, &query).await;
            found.sort_by_key(|name| expected.iter().position(|expected| expected == name));
            assert_eq!(found, expected, "{query}");
        }
        let first = tenant.admin.get("/v1/admin/documents?limit=2").await.ok();
        let next = text(&first["next"]);
        assert_eq!(names(&tenant, &format!("limit=2&after={next}")).await, ["empty"]);
        for wrong in ["state=lost", "updated_since=yesterday", "metadata=x", "text=", "odd=1"] {
            let reply = tenant.admin.get(&format!("/v1/admin/documents?{wrong}")).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {}", reply.body);
        }
        // A key for one library asks for that one.
        let (_, secret) = tenant.key("two", &tenant.admin_id, &["documents:write"], Some(vec![&two])).await;
        let key = fuente_tests::Person::holding(&tenant.admin.url, &secret);
        for path in ["documents", "jobs", "jobs/summary", "jobs/events"] {
            assert_eq!(key.get(&format!("/v1/admin/{path}")).await.status, StatusCode::FORBIDDEN, "{path}");
            assert_eq!(
                key.get(&format!("/v1/admin/{path}?library={one}")).await.status,
                StatusCode::NOT_FOUND,
                "{path}"
            );
            key.get(&format!("/v1/admin/{path}?library={two}")).await;
        }
    });
}

fn a_stored_original_is_read_again(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "uploads-again").await;
        let library = tenant.library("All", everyone()).await;
        let first = tenant.publish(&library, "desk", "# Desks\n\nEvery desk has two screens.\n").await;
        let path = format!("/v1/admin/documents/{}", text(&first["document"]));
        let again = tenant.admin.post(&format!("{path}/reingest"), json!({})).await;
        assert_eq!(again.status, StatusCode::ACCEPTED, "{}", again.body);
        let again = again.json();
        assert_ne!(again["version"], first["version"]);
        let job = tenant.finished(&again).await;
        assert_eq!((&job["state"], &job["progress"]["passages_reused"]), (&json!("done"), &json!(1)), "{job}");
        let versions = tenant.admin.get(&format!("{path}/versions")).await.ok();
        let seen: Vec<_> = versions["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|version| {
                let published = version["published_at"].is_string();
                (
                    version["ordinal"].as_i64(),
                    text(&version["state"]),
                    version["current"] == true,
                    version["passages"].as_i64(),
                    published,
                )
            })
            .collect();
        assert_eq!(seen, [(Some(2), "live", true, Some(1), true), (Some(1), "superseded", false, Some(0), true)]);
        assert_eq!(versions["items"][0]["hash"], versions["items"][1]["hash"]);
        assert_eq!(versions["items"][0]["bytes"], 37);
        let older = tenant
            .admin
            .get(&format!("{path}/versions?limit=1&after={}", text(&versions["items"][0]["id"])))
            .await
            .ok();
        assert_eq!(older["items"][0]["id"], first["version"]);

        // Both versions share one file, and a delete takes it once.
        let receipt = tenant.admin.delete(&path).await.ok();
        assert_eq!((&receipt["versions"], &receipt["blobs"]), (&json!(2), &json!(1)), "{receipt}");
        for gone in ["versions", "reingest"] {
            let method = if gone == "versions" { Method::GET } else { Method::POST };
            let reply = tenant.admin.send(tenant.admin.request(method, &format!("{path}/{gone}"))).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{gone}");
        }
    });
}

fn originals_go_to_readers_and_to_nobody_else(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "uploads-original").await;
        let (reader, user) = tenant.user("reader", "member").await;
        let (other, _) = tenant.user("other", "member").await;
        let group = tenant.group("Readers").await;
        tenant.join(&group, &user).await;
        let library = tenant.library("Some", allow_groups(&[&group])).await;
        const PAGE: &str =
            "<html><body><h1>Año</h1><script>alert(1)</script><p>The year begins in May.</p></body></html>";
        let accepted = tenant.upload(&library, "year", "a%C3%B1o%20%221%22.html", PAGE).await.ok();
        assert_eq!(tenant.finished(&accepted).await["state"], "done");
        let path = format!("/v1/documents/{}/original", text(&accepted["document"]));
        let reply = reader.get(&path).await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, PAGE));
        let header = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(header("content-type").starts_with("text/html"), "{}", header("content-type"));
        assert_eq!(
            header("content-disposition"),
            "attachment; filename=\"a_o _1_.html\"; filename*=UTF-8''a%C3%B1o%20%221%22.html"
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").starts_with("sandbox; default-src 'none'"));
        assert_eq!(header("content-length"), PAGE.len().to_string());

        let second = tenant.upload(&library, "year", "year.html", PAGE.replace("May", "June")).await.ok();
        tenant.finished(&second).await;
        assert!(reader.get(&path).await.body.contains("June"));
        let old = format!("{path}?version={}", text(&accepted["version"]));
        assert_eq!(reader.get(&old).await.body, PAGE, "an old citation's original");

        // Managing is not reading; another's version is no version of this document.
        let missing = reader.get(&format!("/v1/documents/{}/original", uuid::Uuid::now_v7())).await;
        for (person, path) in [(&other, &path), (&tenant.admin, &path), (&reader, &format!("{path}?version=x"))] {
            let refused = person.get(path).await;
            assert_eq!((refused.status, &refused.body), (StatusCode::NOT_FOUND, &missing.body), "{path}");
        }
        tenant.leave(&group, &user).await;
        assert_eq!(reader.get(&path).await.status, StatusCode::NOT_FOUND, "from the next call on");
    });
}

fn a_part_of_a_text_is_cut_by_characters(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "uploads-range").await;
        let library = tenant.library("All", everyone()).await;
        let accepted =
            tenant.publish(&library, "year", "El año nuevo empieza en enero: ¡felicidades 🎉 a todos!\n").await;
        let path = format!("/v1/documents/{}/text", text(&accepted["document"]));
        let whole = tenant.admin.get(&path).await.ok();
        let letters: Vec<char> = text(&whole["text"]).chars().collect();
        assert_eq!(
            (&whole["from"], &whole["to"], &whole["chars"]),
            (&json!(0), &json!(letters.len()), &json!(letters.len()))
        );
        let end = letters.len();
        for (query, from, to) in [
            ("from=3&to=6", 3, 6),
            ("from=40", 40, end),
            ("to=5", 0, 5),
            ("from=7&to=7", 7, 7),
            ("from=45&to=4000000000", 45, end),
            ("from=4000000000", end, end),
        ] {
            let part = tenant.admin.get(&format!("{path}?{query}")).await.ok();
            assert_eq!(text(&part["text"]), letters[from..to].iter().collect::<String>(), "{query}");
            assert_eq!(
                (&part["from"], &part["to"], &part["chars"]),
                (&json!(from), &json!(to), &json!(end)),
                "{query}"
            );
        }
        for wrong in ["from=6&to=3", "from=-1", "to=x"] {
            let reply = tenant.admin.get(&format!("{path}?{wrong}")).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
    });
}

fn a_caller_says_what_nobody_waits_for(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "uploads-priority").await;
        let library = tenant.library("All", everyone()).await;
        let put = async |query: &str| {
            let path = format!("/v1/admin/libraries/{library}/documents/put?file_name=put.md{query}");
            tenant.admin.send(tenant.admin.request(Method::PUT, &path).body(format!("# Put\n\nBy {query}.\n"))).await
        };
        let priority = async |job: &Value| {
            let seen = tenant.admin.get(&format!("/v1/admin/jobs/{}", text(job))).await.ok();
            text(&seen["priority"]).to_owned()
        };
        let unknown = put("&priority=now").await;
        assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unknown.json());
        for (query, expected) in [("", "interactive"), ("&priority=bulk", "bulk")] {
            let accepted = put(query).await.json();
            assert_eq!(priority(&accepted["job"]).await, expected, "{accepted}");
            tenant.finished(&accepted).await;
        }
        // The eleventh file of a form is no longer what somebody waits for.
        let texts: Vec<(String, String)> =
            (0..11).map(|at| (format!("{at}.md"), format!("# {at}\n\nFile number {at}.\n"))).collect();
        let mut parts = vec![("library", None, library.as_str())];
        parts.extend(texts.iter().map(|(name, text)| ("file", Some(name.as_str()), text.as_str())));
        let (status, reply) = send(&tenant, &parts).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{reply}");
        for (at, expected) in [(0, "interactive"), (9, "interactive"), (10, "bulk")] {
            assert_eq!(priority(&reply["files"][at]["job"]).await, expected, "file {at}: {reply}");
        }
    });
}
