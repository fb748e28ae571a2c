//! The files of a deployment name only what exists: no container engine is needed to say so.

use crate::Case;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub fn cases() -> Vec<Case> {
    vec![
        Case::plain("deploy::compose_names_only_what_exists", compose_names_only_what_exists),
        Case::plain("deploy::only_the_migration_knows_the_owner", only_the_migration_knows_the_owner),
        Case::plain("deploy::no_secret_enters_a_build", no_secret_enters_a_build),
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is below the root").to_owned()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Each service of the compose file, as (name, its lines).
fn services(compose: &str) -> Vec<(String, String)> {
    let all = compose.split("\nservices:\n").nth(1).and_then(|rest| rest.split("\nvolumes:\n").next());
    let mut found: Vec<(String, String)> = Vec::new();
    for line in all.expect("services, then volumes").lines() {
        let name = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with([' ', '#']))
            .and_then(|rest| rest.strip_suffix(':'));
        match (name, found.last_mut()) {
            (Some(name), _) => found.push((name.to_owned(), String::new())),
            (None, Some((_, lines))) => *lines += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    found
}

/// The names of settings that a file sets through the environment.
fn settings(text: &str) -> BTreeSet<String> {
    let uncommented = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    uncommented
        .flat_map(|line| line.split(|c: char| !c.is_ascii_uppercase() && c != '_'))
        .filter(|word| word.starts_with("FUENTE__"))
        .map(str::to_owned)
        .collect()
}

fn compose_names_only_what_exists() {
    let (compose, dockerfile) = (text("docker-compose.yml"), text("services/Dockerfile"));
    let services = services(&compose);
    let names: BTreeSet<&str> = services.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["postgres", "qdrant", "migrate", "ingest", "search", "answer", "gateway"] {
        assert!(names.contains(name), "the service {name} is missing: {names:?}");
    }
    let defaults: toml::Table = fuente_settings::DEFAULTS.parse().expect("the defaults");
    for name in settings(&compose).union(&settings(&dockerfile)) {
        let key = name["FUENTE__".len()..].to_lowercase();
        let (section, key) = key.split_once("__").expect("FUENTE__SECTION__KEY");
        assert!(defaults.get(section).and_then(|section| section.get(key)).is_some(), "{name} is no setting");
    }
    for (name, lines) in &services {
        let ours = lines.contains("dockerfile:");
        if ours {
            let path = lines.split("dockerfile: ").nth(1).and_then(|rest| rest.split(',').next()).expect("a path");
            assert!(root().join(path.trim()).is_file(), "{path}");
            let process = lines.split("PROCESS: ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a process");
            assert!(root().join("services").join(process).join("src/main.rs").is_file(), "{process} is no process");
        }
        for line in lines.lines().filter(|line| line.contains("condition: ")) {
            let on = line.trim().split(':').next().unwrap_or_default();
            assert!(names.contains(on), "{name} waits for {on}");
        }
        if ours && name != "migrate" {
            assert!(lines.contains("<<: *process"), "{name} is not started again when it ends");
            let port = defaults[name.as_str()]["port"].as_integer().expect("a port");
            assert!(
                lines.contains(&format!("http://127.0.0.1:{port}/readyz")),
                "{name} is not asked whether it is ready"
            );
            assert!(
                name == "answer" || lines.contains("migrate: { condition: service_completed_successfully }"),
                "{name}"
            );
        }
    }
    // The health check of the image needs its program.
    assert!(dockerfile.contains(" curl "), "the image has no curl");
    let (build, process) = (dockerfile.find("cargo build"), dockerfile.find("\nARG PROCESS"));
    assert!(build < process && process.is_some(), "an ARG above the build compiles all once per image");
}

fn only_the_migration_knows_the_owner() {
    let compose = text("docker-compose.yml");
    assert!(!compose.split("\nservices:\n").next().unwrap_or_default().contains("MIGRATOR"), "the shared settings");
    let knowing: Vec<String> = services(&compose)
        .into_iter()
        .filter(|(_, lines)| lines.contains("MIGRATOR") || lines.contains("POSTGRES_PASSWORD}@"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(knowing, ["migrate"]);
}

/// What git ignores is this machine's: data, passwords, build products.
fn no_secret_enters_a_build() {
    let ignored = text(".dockerignore");
    for folder in [".git", ".fuente", "**/target"] {
        assert!(ignored.lines().any(|line| line == folder), ".dockerignore lacks {folder}");
    }
}
