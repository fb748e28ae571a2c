//! SHA-256 of files, and the `SHA256SUMS` file (the format of `sha256sum`) that stands in each
//! folder of the cache and says what was verified there.

use crate::cache::write_file;
use crate::errors::{Outcome, Problem};
use crate::progress::Progress;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

pub fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Feeds `limit` bytes of the file (all of them without a limit) to the hasher.
pub fn feed(hasher: &mut Sha256, place: &Path, limit: Option<u64>, progress: &mut Progress) -> Outcome<()> {
    let fail = |error| Problem::io("read", place, &error);
    let mut file = File::open(place).map_err(fail)?.take(limit.unwrap_or(u64::MAX));
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let count = file.read(&mut buffer).map_err(fail)?;
        if count == 0 {
            return Ok(());
        }
        hasher.update(&buffer[..count]);
        done += count as u64;
        progress.show(done);
    }
}

pub fn of_file(place: &Path, label: &str) -> Outcome<String> {
    let size = fs::metadata(place).map_err(|error| Problem::io("read", place, &error))?.len();
    let mut hasher = Sha256::new();
    feed(&mut hasher, place, None, &mut Progress::brief(&format!("{label}: checking"), size))?;
    Ok(hex(hasher))
}

pub fn read(directory: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(directory.join("SHA256SUMS")).unwrap_or_default();
    text.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name.to_owned(), sum.to_owned())).collect()
}

pub fn write(directory: &Path, sums: &BTreeMap<String, String>) -> Outcome<()> {
    let text: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    write_file(&directory.join("SHA256SUMS"), &text)
}

pub fn record(directory: &Path, name: &str, sum: &str) -> Outcome<()> {
    let mut sums = read(directory);
    sums.insert(name.to_owned(), sum.to_owned());
    write(directory, &sums)
}
