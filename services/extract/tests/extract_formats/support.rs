//! What the tests share: the jail, and a way to look at a result.

use fuente_extract::{BlockKind, ExtractError, Extracted, Jail};
use libtest_mimic::Trial;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where set-up puts libpdfium.so.
fn cache() -> PathBuf {
    match (std::env::var_os("FUENTE_CACHE"), std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(set), _, _) => set.into(),
        (None, _, Some(home)) if home == "/root" => "/var/cache/fuente".into(),
        (None, Some(cache), _) => PathBuf::from(cache).join("fuente"),
        (None, None, home) => PathBuf::from(home.unwrap_or_default()).join(".cache/fuente"),
    }
}

/// The jail with the limits of the product, around the child named `child`.
pub(crate) fn jail(child: &str) -> Jail {
    Jail {
        program: std::env::current_exe().expect("a test knows its own program"),
        args: vec![child.to_owned()],
        pdfium: cache().join("lib/libpdfium.so"),
        wall: Duration::from_secs(60),
        cpu_seconds: 30,
        memory_bytes: 512 << 20,
        max_text_chars: 2_000_000,
        max_pages: 500,
        ocr: None,
    }
}

pub(crate) fn run(jail: &Jail, file: &Path, name: &str) -> Result<Extracted, ExtractError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(jail.run(file, name))
}

/// Reads bytes under the name that they would be uploaded with.
pub(crate) fn read_with(jail: &Jail, bytes: &[u8], name: &str) -> Result<Extracted, ExtractError> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("a temporary file takes bytes");
    run(jail, file.path(), name)
}

pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Extracted, ExtractError> {
    read_with(&jail("extract-child"), bytes, name)
}

pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

pub(crate) fn read_file(name: &str) -> Result<Extracted, ExtractError> {
    run(&jail("extract-child"), &file(name), name)
}

/// The blocks as kind and text: "h2 Title", "p …", "li …", "tr …", "code …".
pub(crate) fn blocks(extracted: &Extracted) -> Vec<String> {
    let chars: Vec<char> = extracted.text.chars().collect();
    let show = |block: &fuente_extract::Block| {
        let text: String = chars[block.char_start as usize..block.char_end as usize].iter().collect();
        match block.kind {
            BlockKind::Heading(level) => format!("h{level} {text}"),
            BlockKind::Paragraph => format!("p {text}"),
            BlockKind::ListItem => format!("li {text}"),
            BlockKind::TableRow => format!("tr {text}"),
            BlockKind::Code => format!("code {text}"),
        }
    };
    extracted.blocks.iter().map(show).collect()
}

/// The pages by number and name.
pub(crate) fn labels(extracted: &Extracted) -> Vec<(u32, Option<&str>)> {
    extracted.pages.iter().map(|page| (page.page, page.label.as_deref())).collect()
}

/// The text from the start of the page at `index` to that of the next one.
pub(crate) fn page_text(extracted: &Extracted, index: usize) -> String {
    let chars: Vec<char> = extracted.text.chars().collect();
    let start = extracted.pages[index].char_start as usize;
    let end = extracted.pages.get(index + 1).map_or(chars.len(), |next| next.char_start as usize);
    chars[start..end].iter().collect::<String>().trim_end().to_owned()
}

/// The blocks of a document that must be readable, compared as a whole.
#[track_caller]
pub(crate) fn expect_blocks(result: Result<Extracted, ExtractError>, expected: &[&str]) -> Extracted {
    let extracted = result.expect("the document is readable");
    assert_eq!(blocks(&extracted), expected);
    extracted
}

#[track_caller]
pub(crate) fn expect_code(result: Result<Extracted, ExtractError>, code: &str) {
    match result {
        Ok(extracted) => panic!("expected {code}, got a text: {:?}", extracted.text),
        Err(error) => {
            assert_eq!(error.code(), code, "{error}");
            assert!(error.advice().len() > 20, "advice says what to do: {}", error.advice());
        }
    }
}

pub(crate) fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}
