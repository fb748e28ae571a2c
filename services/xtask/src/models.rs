//! Puts models and libraries into the cache: fetched, verified, converted where the manifest
//! says so. What is there and verified is left alone, without a look at the network.

use crate::cache::{create_directory, remove_directory, rename};
use crate::download;
use crate::errors::{Outcome, Problem};
use crate::manifest::{self, Entry};
use crate::python::Running;
use crate::setup::Setup;
use crate::{sums, tools};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use toml::Table;

/// The name under which Postgres is asked for; it is a tree of programs and not in the manifest.
const POSTGRES: &str = "postgres";

/// `cargo xtask models [NAME...|--all] [--manifest FILE]`
pub fn run(setup: &Setup, arguments: &[String]) -> Outcome<ExitCode> {
    let mut place = default_manifest(setup);
    let (mut names, mut all) = (Vec::new(), false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--all" => all = true,
            "--manifest" => match rest.next() {
                Some(file) => place = file.into(),
                None => return Err(Problem::new("--manifest needs a file.", "See `cargo xtask help`.")),
            },
            name => names.push(name.to_owned()),
        }
    }
    let entries = manifest::read(&place)?;
    if all {
        names = entries.iter().map(|entry| entry.name.clone()).chain([POSTGRES.to_owned()]).collect();
    } else if names.is_empty() {
        names = wanted_by_demo(setup)?;
    }
    ensure_from(setup, &entries, &names)?;
    println!("ready in {}: {}", setup.cache.root.display(), names.join(", "));
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that everything named is in the cache.
pub fn ensure(setup: &Setup, names: &[String]) -> Outcome<()> {
    ensure_from(setup, &manifest::read(&default_manifest(setup))?, names)
}

fn ensure_from(setup: &Setup, entries: &[Entry], names: &[String]) -> Outcome<()> {
    for name in names {
        if name == POSTGRES {
            tools::postgres(setup)?;
            continue;
        }
        let Some(entry) = entries.iter().find(|entry| entry.name == *name) else {
            let known: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).chain([POSTGRES]).collect();
            return Err(Problem::new(
                format!("there is no model or library called {name}."),
                format!("These are known: {}.", known.join(", ")),
            ));
        };
        if !ready(setup, entry)? {
            let _lock = setup.cache.lock()?;
            // Another set-up may have finished it while this one waited for the lock.
            if !ready(setup, entry)? {
                install(setup, entry)?;
            }
        }
    }
    Ok(())
}

fn default_manifest(setup: &Setup) -> PathBuf {
    setup.checkout.join("services/models/models.toml")
}

/// What a start on the present settings needs: the defaults, unless the environment says otherwise.
pub fn wanted_by_demo(setup: &Setup) -> Outcome<Vec<String>> {
    let place = setup.checkout.join("services/settings/default.toml");
    let text = fs::read_to_string(&place).map_err(|error| Problem::io("read", &place, &error))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        Problem::new(format!("{}: {}.", place.display(), error.message()), "Correct the file.")
    })?;
    let setting = |key: &str| {
        let set = std::env::var(format!("FUENTE__MODELS__{}", key.to_uppercase())).ok();
        let default = || Some(table.get("models")?.get(key)?.as_str()?.to_owned());
        set.or_else(default).unwrap_or_default()
    };
    let mut names = vec!["onnxruntime".into(), "pdfium".into(), POSTGRES.into(), setting("embedder")];
    if setting("engine") != "remote" {
        names.push(setting("generator"));
    }
    Ok(names)
}

fn folder(setup: &Setup, entry: &Entry) -> PathBuf {
    if entry.library { setup.cache.at("lib") } else { setup.cache.at("models").join(&entry.name) }
}

/// True where the folder holds the files and SHA256SUMS names the downloads of this manifest.
/// A file that somebody put there by hand is checked once and then noted.
fn ready(setup: &Setup, entry: &Entry) -> Outcome<bool> {
    let folder = folder(setup, entry);
    let sums = sums::read(&folder);
    for download in &entry.downloads {
        let noted = sums.get(&download.file) == Some(&download.sha256);
        if entry.convert.is_some() {
            if !noted {
                return Ok(false);
            }
            continue;
        }
        let place = folder.join(&download.file);
        if fs::metadata(&place).map(|data| data.len()).ok() != Some(download.size) {
            return Ok(false);
        }
        if !noted {
            let sum = sums::of_file(&place, &entry.name)?;
            if sum != download.sha256 {
                return Ok(false);
            }
            sums::record(&folder, &download.file, &sum)?;
        }
    }
    Ok(entry.files.iter().all(|file| sums.contains_key(file) && folder.join(file).is_file()))
}

fn install(setup: &Setup, entry: &Entry) -> Outcome<()> {
    let mut fetched = Vec::new();
    for download in &entry.downloads {
        eprintln!("  {}/{}: {} MB to get", entry.name, download.file, download.size.div_ceil(1_000_000));
        fetched.push(download::fetch(setup, entry, download)?);
    }
    let folder = folder(setup, entry);
    match &entry.convert {
        Some(kind) => convert(setup, entry, kind, &folder)?,
        None => {
            create_directory(&folder)?;
            for (download, place) in entry.downloads.iter().zip(&fetched) {
                rename(place, &folder.join(&download.file))?;
                sums::record(&folder, &download.file, &download.sha256)?;
            }
        }
    }
    remove_directory(&setup.cache.at("downloads").join(&entry.name))?;
    // Gone when it is empty; another entry's unfinished download keeps it.
    let _ = fs::remove_dir(setup.cache.at("downloads"));
    Ok(())
}

fn convert(setup: &Setup, entry: &Entry, kind: &str, folder: &Path) -> Outcome<()> {
    let packages = tools::conversion(setup)?;
    let source = setup.cache.at("downloads").join(&entry.name);
    let fresh = folder.with_added_extension("partial");
    remove_directory(&fresh)?;
    create_directory(&fresh)?;
    eprintln!("  {}: converting", entry.name);
    let mut command = setup.python()?.script("convert.py");
    command.arg(kind).arg(&source).arg(&fresh).env("PYTHONPATH", packages).stdout(Stdio::null());
    Running::start(command)?.finish(&format!("the conversion of {}", entry.name), &fresh)?;
    let mut sums = BTreeMap::new();
    for file in &entry.files {
        sums.insert(file.clone(), sums::of_file(&fresh.join(file), &entry.name)?);
    }
    for download in &entry.downloads {
        sums.insert(download.file.clone(), download.sha256.clone());
    }
    sums::write(&fresh, &sums)?;
    remove_directory(folder)?;
    rename(&fresh, folder)
}
