//! Conventions that tools can hold: which room may know which, where things may be named, how
//! long a file may be. What fails here names the file and what to do.

use crate::Case;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Allowed edges (DESIGN §1). `fuente` and the tests may know everything.
const EDGES: &[(&str, &[&str])] = &[
    ("contract", &[]),
    ("settings", &[]),
    ("wire", &["contract"]),
    ("store", &["contract"]),
    ("vectors", &["contract"]),
    ("models", &["contract"]),
    ("extract", &["contract"]),
    ("gateway", &["contract", "wire", "settings", "store"]),
    ("ingest", &["contract", "wire", "settings", "store", "vectors", "models", "extract"]),
    ("search", &["contract", "wire", "settings", "store", "vectors", "models"]),
    ("answer", &["contract", "wire", "settings", "models"]),
    ("slack", &["contract", "wire", "settings", "store"]),
    ("xtask", &[]),
];

/// Longest file, in lines. A longer one needs its reason here.
const LONGEST: usize = 400;
const LONGER: &[(&str, &str)] = &[(
    "services/store/tests/store_rights.rs",
    "one oracle: its states, its people and both directions are read together",
)];

pub fn cases() -> Vec<Case> {
    vec![
        Case::plain("tidy::rooms_know_only_the_rooms_they_may", rooms_know_only_the_rooms_they_may),
        Case::plain("tidy::each_thing_has_its_room", each_thing_has_its_room),
        Case::plain(
            "tidy::every_file_says_what_it_is_for_and_stays_short",
            every_file_says_what_it_is_for_and_stays_short,
        ),
        Case::plain("tidy::store_functions_take_a_scope_first", store_functions_take_a_scope_first),
        Case::plain("tidy::a_context_ends_with_its_transaction", a_context_ends_with_its_transaction),
        Case::plain("tidy::every_setting_is_documented", every_setting_is_documented),
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is below the root").to_owned()
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules", "dist", ".git", ".fuente"].contains(&name.as_str()) {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// Every Rust file as (path from the root, text).
fn rust() -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&root(), "rs", &mut found);
    assert!(found.len() > 50, "the source tree was not found");
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
            (path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned(), text)
        })
        .collect()
}

fn rooms_know_only_the_rooms_they_may() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name").trim_start_matches("fuente-").to_owned();
        let known = package["dependencies"].as_array().expect("dependencies").iter().filter_map(|dependency| {
            let normal = dependency["kind"].is_null();
            dependency["name"].as_str().filter(|_| normal)?.strip_prefix("fuente-").map(str::to_owned)
        });
        edges.insert(name, known.collect());
    }
    for (name, allowed) in EDGES {
        let known = edges.get(*name).unwrap_or_else(|| panic!("the crate {name} is missing"));
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let extra: Vec<_> = known.difference(&allowed).collect();
        assert!(extra.is_empty(), "{name} depends on {extra:?}; DESIGN §1 does not allow it");
    }
    let listed: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).chain(["fuente", "tests"]).collect();
    let unknown: Vec<_> = edges.keys().filter(|name| !listed.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "crates without allowed edges: {unknown:?}");
}

/// I9: each word may be named only in the places given.
fn each_thing_has_its_room() {
    let places: &[(&str, &[&str])] = &[
        (
            "actix_web",
            &[
                "services/wire/",
                "/routes/",
                "/startup.rs",
                "services/fuente/",
                "/main.rs",
                "services/gateway/tests/",
                "services/wire/tests/",
            ],
        ),
        ("sqlx::", &["services/store/", "tests/"]),
        ("qdrant_client", &["services/vectors/"]),
        ("qdrant_edge", &["services/vectors/"]),
        ("fastembed", &["services/models/"]),
        ("llama_cpp_2", &["services/models/"]),
        ("env::var", &["services/settings/", "services/xtask/", "/tests/", "tests/"]),
        ("Door::open", &["/startup.rs", "services/wire/", "services/fuente/", "/tests/", "tests/"]),
    ];
    let mut wrong = Vec::new();
    for (path, text) in rust() {
        if path == "tests/it/tidy.rs" {
            continue;
        }
        for (word, rooms) in places {
            let allowed = rooms
                .iter()
                .any(|room| if room.starts_with('/') { path.contains(room) } else { path.starts_with(room) });
            let named = text.lines().any(|line| line.contains(word) && !line.trim_start().starts_with("//"));
            if named && !allowed {
                wrong.push(format!("{path} names {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn every_file_says_what_it_is_for_and_stays_short() {
    let mut wrong = Vec::new();
    for (path, text) in rust() {
        if !text.starts_with("//!") {
            wrong.push(format!("{path} does not begin with //!"));
        }
        let lines = text.lines().count();
        if lines > LONGEST && !LONGER.iter().any(|(name, _)| *name == path) {
            wrong.push(format!("{path} has {lines} lines; split it, or give a reason in LONGER"));
        }
        if path.ends_with("/main.rs") && path.starts_with("services/") && lines >= 50 {
            wrong.push(format!("{path} has {lines} lines; a main has less than 50"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Scope first: a function that touches data says whose, before anything else.
fn store_functions_take_a_scope_first() {
    let tables: Vec<(String, String)> = rust()
        .into_iter()
        .filter(|(path, text)| {
            path.starts_with("services/store/src/") && text.contains("SELECT ") | text.contains("INSERT ")
        })
        .collect();
    assert!(tables.len() > 8, "the tables of the store were not found");
    let mut wrong = Vec::new();
    for (path, text) in tables {
        for (at, _) in text.match_indices("\npub async fn ") {
            let signature = text[at..].split('{').next().unwrap_or_default();
            let first = signature.split_once('(').map(|(_, rest)| rest.trim_start()).unwrap_or_default();
            let allowed = [
                "scope: &Scope",
                "scope: &SystemScope",
                "system: &SystemScope",
                "_scope: &SystemScope",
                "_system: &SystemScope",
            ];
            if !allowed.iter().any(|start| first.starts_with(start)) {
                wrong.push(format!("{path}: {}", signature.trim().lines().next().unwrap_or_default()));
            }
        }
    }
    assert!(wrong.is_empty(), "functions without a scope first:\n{}", wrong.join("\n"));
}

/// A connection goes back to the pool without whose it was: every context is local to a transaction.
fn a_context_ends_with_its_transaction() {
    let mut sql: Vec<(String, String)> =
        rust().into_iter().filter(|(path, _)| path.starts_with("services/store/src/")).collect();
    let mut migrations = Vec::new();
    files(&root().join("migrations"), "sql", &mut migrations);
    sql.extend(
        migrations
            .into_iter()
            .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("migrations are UTF-8"))),
    );
    let mut seen = 0;
    for (path, text) in sql {
        for (at, _) in text.match_indices("set_config(") {
            seen += 1;
            let call = text[at..].split(')').next().unwrap_or_default();
            assert!(call.trim_end().ends_with(", true"), "{path}: {call}) outlives its transaction");
        }
        let outlives = ["SET SESSION", "SET ROLE", "SET fuente", "RESET "].iter().find(|word| text.contains(*word));
        assert!(outlives.is_none(), "{path}: {outlives:?} outlives its transaction");
    }
    assert!(seen > 10, "the calls were found");
}

/// The whole manual: every setting has a comment above it or above its neighbours.
fn every_setting_is_documented() {
    let text = std::fs::read_to_string(root().join("services/settings/default.toml")).expect("default.toml");
    let mut after_comment = false;
    for line in text.lines() {
        if line.starts_with('#') {
            after_comment = true;
        } else if line.trim().is_empty() || line.starts_with('[') {
            after_comment = line.starts_with('[') && after_comment;
        } else {
            let name = line.split('=').next().unwrap_or_default().trim();
            let plain = [
                "host",
                "port",
                "url",
                "max_connections",
                "remote_model",
                "remote_key",
                "api_key",
                "collection",
                "max_tokens",
                "max_text_chars",
                "max_pages",
            ]
            .contains(&name);
            assert!(after_comment || plain, "default.toml: `{name}` has no comment");
        }
    }
}
