//! `fuente doctor`: what is there, what is missing, and how to get it.

use anyhow::Result;
use fuente_settings::{EngineKind, Settings, StoreMode, VectorsMode};
use std::path::Path;
use std::process::ExitCode;

/// One thing looked at.
struct Finding {
    what: &'static str,
    /// What is there, or what to do about what is not.
    state: std::result::Result<String, String>,
}

#[derive(clap::Args)]
pub(crate) struct Doctor {
    /// Also compare index, rows and files of every tenant.
    #[arg(long)]
    deep: bool,
    /// Put right what the comparison finds, as far as it can be.
    #[arg(long, requires = "deep")]
    mend: bool,
}

impl Doctor {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let mut well = parts(&settings).await;
        if self.deep && well {
            well = crate::deep::run(&settings, self.mend).await?;
        }
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Looks at every part; true where nothing is missing.
async fn parts(settings: &Settings) -> bool {
    let cache = settings.cache();
    let mut findings = vec![
        directory("data directory", &settings.data.directory),
        file("ONNX Runtime", &cache.join("lib/libonnxruntime.so"), "onnxruntime"),
        file("PDF engine", &cache.join("lib/libpdfium.so"), "pdfium"),
        model("embedding model", &cache, &settings.models.embedder),
    ];
    match settings.models.engine {
        EngineKind::Local => findings.push(model("language model", &cache, &settings.models.generator)),
        EngineKind::Remote => findings
            .push(Finding { what: "language model", state: Ok(format!("remote, at {}", settings.models.remote_url)) }),
    }
    if settings.store.mode == StoreMode::Embedded {
        // As the store looks for them: the setting, the cache, then the system's own.
        let found = fuente_store::postgres_programs(&fuente_search::startup::store_options(settings));
        let state = found.map(|bin| bin.display().to_string()).map_err(|error| error.detail);
        findings.push(Finding { what: "Postgres programs", state });
    }
    if settings.vectors.mode == VectorsMode::Server {
        findings.push(qdrant(settings).await);
    }
    findings.push(extraction(settings).await);
    findings.push(recognition(settings).await);
    let mut missing = 0;
    for finding in &findings {
        match &finding.state {
            Ok(state) => say!("ok       {:<20} {state}", finding.what),
            Err(advice) => {
                missing += 1;
                say!("missing  {:<20} {advice}", finding.what);
            }
        }
    }
    missing == 0
}

fn directory(what: &'static str, path: &Path) -> Finding {
    let state = std::fs::create_dir_all(path)
        .and_then(|()| tempfile::tempfile_in(path))
        .map(|_| path.display().to_string())
        .map_err(|error| {
            format!("{} cannot be written ({error}). Set data.directory to a folder of yours.", path.display())
        });
    Finding { what, state }
}

fn file(what: &'static str, path: &Path, name: &str) -> Finding {
    let state = if path.is_file() {
        Ok(path.display().to_string())
    } else {
        Err(format!("{} is not there. `cargo xtask models {name}` gets it.", path.display()))
    };
    Finding { what, state }
}

fn model(what: &'static str, cache: &Path, name: &str) -> Finding {
    let verified = fuente_models::manifest::entry(name).and_then(|entry| entry.verify(&entry.directory(cache)));
    let state = verified.map(|_| name.to_owned()).map_err(|error| error.to_string());
    Finding { what, state }
}

async fn qdrant(settings: &Settings) -> Finding {
    let key = Some(settings.vectors.api_key.0.as_str());
    let version = fuente_vectors::server_version(&settings.vectors.url, key).await;
    let state = version
        .map(|version| format!("{} (version {version})", settings.vectors.url))
        .map_err(|error| format!("{} ({})", error.detail, settings.vectors.url));
    Finding { what: "Qdrant server", state }
}

/// Reads a small document in the jail, as a job would.
async fn extraction(settings: &Settings) -> Finding {
    let read = async {
        let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        std::fs::write(file.path(), "# Doctor\n\nA line of text.\n").map_err(|error| error.to_string())?;
        let jail = fuente_ingest::startup::jail(settings).map_err(|error| error.detail)?;
        jail.walls(file.path(), "doctor.md").await.map_err(|error| error.advice())
    };
    let state = read.await.and_then(|walls| {
        let user = if walls.other_user { "as nobody" } else { "as this user" };
        let kernel = if walls.kernel_wall { "landlock" } else { "no landlock: this kernel has none" };
        if walls.filtered_calls {
            Ok(format!(
                "the jailed child reads a document {user}, without files, network, processes or signals; walls: \
                 limits on memory, CPU, time and files, a filter of system calls, {kernel}"
            ))
        } else {
            Err(format!("the jailed child runs {user} without a filter of system calls ({kernel}): use a kernel with seccomp on x86_64, aarch64 or riscv64"))
        }
    });
    Finding { what: "extraction", state }
}

/// Scanned pages need a program; Fuente works without it, so its absence is no failure.
async fn recognition(settings: &Settings) -> Finding {
    const HOW: &str = "Scanned pages are refused as needs_ocr. To read them: apt-get install tesseract-ocr \
                       tesseract-ocr-spa (Debian, Ubuntu), or set extract.ocr to its path.";
    let state = match fuente_ingest::startup::jail(settings).map(|jail| jail.ocr) {
        Ok(Some(ocr)) => match ocr.installed().await {
            Ok((found, _)) if found.is_empty() => {
                format!("none of {} is installed for {}. {HOW}", ocr.languages, ocr.program.display())
            }
            Ok((found, missing)) => {
                let missing = if missing.is_empty() {
                    String::new()
                } else {
                    format!(" (not installed: {})", missing.join(", "))
                };
                format!("{} in {}{missing}", ocr.program.display(), found.join(", "))
            }
            Err(error) => format!("{error}. {HOW}"),
        },
        _ => format!("off. {HOW}"),
    };
    Finding { what: "OCR", state: Ok(state) }
}
