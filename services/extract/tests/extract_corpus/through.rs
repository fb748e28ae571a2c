//! Every file of the corpus through the jail, and what must hold of each.

use crate::{Made, archives, markup, pictures, texts};
use fuente_extract::Jail;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const AT_LEAST: usize = 60;
const HUNG: Duration = Duration::from_secs(60);
const MOST_MEMORY: u64 = 512 << 20;

/// One file at a time, so that this program stays small: a child's memory is counted from its start.
pub(crate) fn files(each: &mut dyn FnMut(Made)) {
    archives::make(each);
    markup::make(each);
    pictures::make(each);
    texts::make(each);
}

fn jail() -> Jail {
    let cache = match (std::env::var_os("FUENTE_CACHE"), std::env::var_os("HOME")) {
        (Some(set), _) => PathBuf::from(set),
        (None, Some(home)) if home == "/root" => "/var/cache/fuente".into(),
        (None, home) => std::env::var_os("XDG_CACHE_HOME")
            .map_or(PathBuf::from(home.unwrap_or_default()).join(".cache"), PathBuf::from)
            .join("fuente"),
    };
    Jail {
        program: std::env::current_exe().expect("a test knows its own program"),
        args: vec!["extract-child".to_owned()],
        pdfium: cache.join("lib/libpdfium.so"),
        // The limits of settings/default.toml.
        wall: Duration::from_secs(120),
        cpu_seconds: 90,
        memory_bytes: 416 << 20,
        max_text_chars: 20_000_000,
        max_pages: 5000,
        ocr: None,
    }
}

pub(crate) fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let jail = jail();
    let (mut faults, mut count, mut read) = (Vec::new(), 0, 0);
    files(&mut |(name, bytes)| {
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).expect("a temporary file");
        let started = Instant::now();
        let measured = runtime.block_on(jail.measure(&path, &name));
        let took = started.elapsed();
        let peak = measured.peak_bytes.unwrap_or(0);
        let ended = measured.outcome.as_ref().map_or_else(|error| error.code(), |_| "read");
        eprintln!("{name:<40} {ended:<14} {:>6} ms {:>4} MiB", took.as_millis(), peak >> 20);
        count += 1;
        read += usize::from(ended == "read");
        // Its forms hold themselves: the engine throws for want of memory, through frames that must let it pass.
        let untyped = name == "form-loop.pdf" && ended != "out_of_memory";
        if untyped || took > HUNG || peak > MOST_MEMORY || matches!(ended, "setup" | "timed_out") {
            faults.push(format!("{name}: {ended} after {} s with {} MiB", took.as_secs(), peak >> 20));
        }
    });
    // The system's own count, over all children, those that died included.
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
    let most = usage.map_err(|error| error.to_string())?.max_rss();
    if most > (MOST_MEMORY >> 10) as i64 {
        faults.push(format!("a child had {} MiB in use", most >> 10));
    }
    if count < AT_LEAST || read < 5 {
        faults.push(format!("only {count} files were run, of which {read} were read"));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}
