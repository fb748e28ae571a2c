//! `models.toml`, parsed: which files Fuente trusts, and whether they are here and whole.

use crate::error::ModelError;
use crate::verify;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The manifest as shipped.
pub const MANIFEST: &str = include_str!("../models.toml");

static ENTRIES: LazyLock<Result<Vec<Entry>, String>> = LazyLock::new(|| {
    toml::from_str::<Manifest>(MANIFEST).map(|manifest| manifest.entry).map_err(|error| error.to_string())
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    entry: Vec<Entry>,
}

/// What an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Embed,
    Generate,
    Library,
}

/// A model or a native library.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: String,
    pub role: Role,
    /// What it is, under its publisher's name.
    pub model: String,
    pub licence: String,
    /// How the downloads become `files`; absent where they are used as they are.
    #[serde(default)]
    pub convert: Option<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    pub embedder: Option<EmbedderFacts>,
    pub download: Vec<Download>,
}

/// How an embedding model wants to be fed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderFacts {
    pub dim: usize,
    pub max_tokens: usize,
    pub query: String,
    pub passage: String,
}

/// One file to fetch.
#[derive(Clone, Debug, Deserialize)]
pub struct Download {
    pub file: String,
    pub size: u64,
    pub sha256: String,
}

/// Every entry of the manifest.
///
/// # Errors
/// Where `models.toml` itself is broken.
pub fn entries() -> Result<&'static [Entry], ModelError> {
    ENTRIES.as_deref().map_err(|error| ModelError::failed("models.toml cannot be read", error))
}

/// The entry called `name`.
///
/// # Errors
/// Names the models that exist, where there is none of that name.
pub fn entry(name: &str) -> Result<&'static Entry, ModelError> {
    let all = entries()?;
    all.iter().find(|entry| entry.name == name).ok_or_else(|| none_called(name, all.iter()))
}

/// The language model called `name`.
///
/// # Errors
/// Names the language models that exist, where there is none of that name.
pub fn generator(name: &str) -> Result<&'static Entry, ModelError> {
    let mut able = entries()?.iter().filter(|entry| entry.role == Role::Generate);
    able.clone().find(|entry| entry.name == name).ok_or_else(|| none_called(name, &mut able))
}

fn none_called<'e>(name: &str, able: impl Iterator<Item = &'e Entry>) -> ModelError {
    let names: Vec<&str> = able.map(|entry| entry.name.as_str()).collect();
    ModelError::Failed(format!("there is no model called \"{name}\"; there are {}", names.join(", ")))
}

/// The embedding model whose [`Entry::id`] is `id`; none where this release does not know it.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Entry> {
    entries().ok()?.iter().find(|entry| entry.role == Role::Embed && entry.id() == id)
}

impl Entry {
    /// Name and hash: vectors of two builds of a model must not be compared.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.sha256().get(..12).unwrap_or_default())
    }

    /// Where its files lie below the cache directory.
    #[must_use]
    pub fn directory(&self, cache: &Path) -> PathBuf {
        match self.role {
            Role::Library => cache.join("lib"),
            Role::Embed | Role::Generate => cache.join("models").join(&self.name),
        }
    }

    /// The files as used: a model's GGUF, a library, or what a conversion made.
    #[must_use]
    pub fn files(&self) -> Vec<&str> {
        match self.convert {
            Some(_) => self.files.iter().map(String::as_str).collect(),
            None => self.download.iter().map(|download| download.file.as_str()).collect(),
        }
    }

    /// The hash that stands for the model: that of its first (usually only) download.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.download.first().map_or("", |download| download.sha256.as_str())
    }

    /// Checks every file of the entry in `directory`.
    ///
    /// # Errors
    /// [`ModelError::Missing`] or [`ModelError::WrongHash`] for the first file that is not right.
    pub fn verify(&self, directory: &Path) -> Result<(), ModelError> {
        let converted = match self.convert {
            Some(_) => Some(self.sums(directory)?),
            None => None,
        };
        for file in self.files() {
            let expected = match &converted {
                Some(sums) => sums.get(file).map(String::as_str),
                None => {
                    self.download.iter().find(|download| download.file == file).map(|download| download.sha256.as_str())
                }
            };
            let path = directory.join(file);
            verify::file(
                &path,
                expected.ok_or_else(|| ModelError::missing(format!("the hash of {}", path.display())))?,
            )?;
        }
        Ok(())
    }

    /// Hashes that the conversion wrote, after checking that it started from the right downloads.
    fn sums(&self, directory: &Path) -> Result<HashMap<String, String>, ModelError> {
        let path = directory.join("SHA256SUMS");
        let text = std::fs::read_to_string(&path).map_err(|_| ModelError::missing(path.display()))?;
        let sums: HashMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once(char::is_whitespace))
            .map(|(hash, name)| (name.trim_start_matches([' ', '*']).to_owned(), hash.to_owned()))
            .collect();
        for download in &self.download {
            let found = sums.get(&download.file).cloned().unwrap_or_default();
            if found != download.sha256 {
                let expected = download.sha256.clone();
                return Err(ModelError::WrongHash { file: directory.join(&download.file), expected, found });
            }
        }
        Ok(sums)
    }
}
