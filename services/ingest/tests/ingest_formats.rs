//! Passages of real files of every format: each is the exact text at its range, on its pages. The
//! program is its own child, as in the product: no reader runs outside of the jail.

use fuente_extract::{BlockKind, Extracted, Jail};
use fuente_ingest::chunk::{Chunk, MAX_TOKENS, chunk};
use libtest_mimic::{Arguments, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("extract-child") {
        return fuente_extract::child::main();
    }
    let trials = vec![
        trial("passages_of_every_fixture_are_exact", every_fixture),
        trial("a_long_sheet_keeps_its_header", long_sheet),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// About what the embedding model counts.
fn count(text: &str) -> usize {
    text.split_whitespace().map(|word| word.chars().count().div_ceil(4)).sum::<usize>() + 2
}

/// Where set-up puts libpdfium.so.
fn cache() -> PathBuf {
    match (std::env::var_os("FUENTE_CACHE"), std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(set), _, _) => set.into(),
        (None, _, Some(home)) if home == "/root" => "/var/cache/fuente".into(),
        (None, Some(cache), _) => PathBuf::from(cache).join("fuente"),
        (None, None, home) => PathBuf::from(home.unwrap_or_default()).join(".cache/fuente"),
    }
}

fn read(file: &Path, name: &str) -> Result<Extracted, fuente_extract::ExtractError> {
    let jail = Jail {
        program: std::env::current_exe().expect("a test knows its own program"),
        args: vec!["extract-child".to_owned()],
        pdfium: cache().join("lib/libpdfium.so"),
        wall: Duration::from_secs(60),
        cpu_seconds: 30,
        memory_bytes: 512 << 20,
        max_text_chars: 2_000_000,
        max_pages: 500,
        ocr: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(jail.run(file, name))
}

/// Everything that may be said of the passages of a text, whatever it is.
fn exact(name: &str, extracted: &Extracted, chunks: &[Chunk]) {
    let chars: Vec<char> = extracted.text.chars().collect();
    let slice = |start: u32, end: u32| chars[start as usize..end as usize].iter().collect::<String>();
    let page_at =
        |offset: u32| extracted.pages.iter().rev().find(|page| page.char_start <= offset).map_or(1, |page| page.page);
    for chunk in chunks {
        assert_eq!(chunk.text, slice(chunk.char_start, chunk.char_end), "{name}");
        assert_eq!(chunk.page_from, page_at(chunk.char_start), "{name}");
        assert_eq!(chunk.page_to, page_at(chunk.char_end - 1), "{name}");
        assert!(chunk.tokens as usize <= MAX_TOKENS, "{name}");
    }
    let covered = |at: u32| chunks.iter().any(|chunk| (chunk.char_start..chunk.char_end).contains(&at));
    for block in &extracted.blocks {
        let text = slice(block.char_start, block.char_end);
        let next = chunks.iter().find(|chunk| chunk.char_end > block.char_start);
        let beside =
            matches!(block.kind, BlockKind::Heading(_)) && next.is_some_and(|chunk| chunk.heading.contains(&text));
        let inside = (block.char_start..block.char_end).all(|at| covered(at) || chars[at as usize].is_whitespace());
        assert!(inside || beside, "{name}: {text:?} is in no passage");
    }
}

fn every_fixture() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../extract/tests/files");
    let mut kinds = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(&folder).expect("the fixtures are there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".py") {
            continue;
        }
        let Ok(extracted) = read(&entry.path(), &name) else { continue };
        let chunks = chunk(&extracted, &count);
        assert!(!chunks.is_empty(), "{name}");
        exact(&name, &extracted, &chunks);
        kinds.insert(extracted.mime);
    }
    assert!(kinds.len() >= 9, "every format has a fixture: {kinds:?}");
}

/// From the file to the passage: a row of thousands, cut out of the middle, knows its columns.
fn long_sheet() {
    let mut page = "<h1>Personas</h1><table><tr><th>Nombre</th><th>Centro</th><th>Extensión</th></tr>".to_owned();
    for at in 0..800 {
        page.push_str(&format!("<tr><td>Persona número {at}</td><td>Centro {}</td><td>{at}</td></tr>", at % 7));
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), format!("<html><body>{page}</table></body></html>")).expect("it takes bytes");
    let extracted = read(file.path(), "personas.html").expect("a page");
    let chunks = chunk(&extracted, &count);
    exact("personas.html", &extracted, &chunks);
    assert!(chunks.len() > 20);
    for chunk in &chunks[1..] {
        assert_eq!(chunk.heading, ["Personas", "Nombre | Centro | Extensión"], "{}", chunk.text);
        assert!(chunk.text.starts_with("Persona número"));
    }
}
