//! `fuente ingest`: files and folders into a library, and a wait until they answer.

use crate::client::{Server, tenant_id};
use crate::in_step::InStep;
use crate::shelf::{Shelf, Tally};
use anyhow::{Context, Result, bail};
use fuente_contract::document::{JobInfo, JobState, Priority};
use fuente_contract::{Cursor, JobId, Page, Scope};
use fuente_settings::Settings;
use fuente_store::{Store, jobs, libraries};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(clap::Args)]
pub(crate) struct IngestFiles {
    /// Files and folders; folders are taken with everything in them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Name of the library.
    #[arg(long)]
    library: String,
    /// E-mail of the administrator who uploads.
    #[arg(long = "as")]
    user: String,
    /// Slug of the tenant; gateway.default_tenant where absent.
    #[arg(long)]
    tenant: Option<String>,
    /// Also delete what an earlier call with one folder put here and the folder holds no more.
    #[arg(long)]
    delete_missing: bool,
    /// Go on, and keep the library in step with one folder until stopped (Ctrl-C): new, changed, moved
    /// and deleted files.
    #[arg(long)]
    watch: bool,
    /// Take hidden files and folders (their names begin with a dot) too.
    #[arg(long)]
    hidden: bool,
    /// The one file named is a ZIP archive: each file in it becomes a document of its own.
    #[arg(long, conflicts_with_all = ["watch", "delete_missing", "hidden"])]
    unpack: bool,
}

impl IngestFiles {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        crate::client::must_exist(&settings)?;
        let server = Server::reach(&settings).await?;
        let tenant = self.tenant.clone().unwrap_or_else(|| settings.gateway.default_tenant.clone());
        let done = self.upload_all(&server, &tenant).await;
        server.leave().await?;
        done
    }

    async fn upload_all(&self, server: &Server, tenant: &str) -> Result<ExitCode> {
        let id = tenant_id(&server.store, &server.door, tenant).await?;
        let operator = crate::admin::operator(&server.door, id);
        let known = crate::admin::every(async |page| libraries::list(&operator, &server.store, &page).await).await?;
        let Some(library) = known.iter().find(|library| library.name == self.library) else {
            bail!("There is no library `{}`. `fuente library list` shows those there are.", self.library);
        };
        // For one file somebody waits; a folder goes after what others wait for.
        let single = matches!(self.paths.as_slice(), [file] if file.is_file()) && !self.unpack;
        let shelf = Shelf {
            server,
            operator,
            tenant: tenant.to_owned(),
            user: self.user.clone(),
            library: library.id,
            priority: if single { Priority::Interactive } else { Priority::Bulk },
            session: tokio::sync::Mutex::default(),
        };
        let tally = match (self.watch || self.delete_missing, self.paths.as_slice()) {
            (true, [folder]) if folder.is_dir() => {
                let mut step = InStep::new(shelf, folder, self.hidden).await?;
                if self.watch { step.watch().await? } else { step.once(self.delete_missing).await? }
            }
            (true, _) => bail!("`--watch` and `--delete-missing` take one folder."),
            (false, [archive]) if self.unpack && archive.is_file() => shelf.send_archive(archive).await?,
            (false, _) if self.unpack => bail!("`--unpack` takes one file, a ZIP archive."),
            (false, _) => {
                let found = listed(&self.paths, self.hidden)?;
                let tally = shelf.send(&found.files, None).await?;
                Tally { hidden: found.hidden, ..tally }
            }
        };
        tally.print();
        Ok(if tally.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Percent-encodes everything but plain letters, digits and the dot.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Files with the external id that each keeps from run to run, and how many were passed by.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<(PathBuf, String)>,
    /// Hidden files and folders; what is in such a folder is not counted.
    pub(crate) hidden: usize,
}

/// Every file below `paths`. What is named itself is taken, hidden or not.
fn listed(paths: &[PathBuf], hidden: bool) -> Result<Found> {
    let mut found = Found::default();
    for path in paths {
        if path.is_dir() {
            walk(path, path, hidden, &mut found)?;
        } else if path.is_file() {
            found.files.push((path.clone(), path.file_name().unwrap_or_default().to_string_lossy().into_owned()));
        } else {
            bail!("{} is neither a file nor a folder.", path.display());
        }
    }
    found.files.sort();
    match (found.files.is_empty(), found.hidden) {
        (false, _) => Ok(found),
        (true, 0) => bail!("There is no file in what was named."),
        (true, _) => bail!("There are only hidden files in what was named. `--hidden` takes them too."),
    }
}

pub(crate) fn walk(root: &Path, folder: &Path, hidden: bool, found: &mut Found) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read.", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        // Asked so that an error is one: a folder that cannot be asked for its kind is not gone.
        let kind = entry.file_type().with_context(|| format!("{} cannot be read.", path.display()))?;
        // Links are not followed: they could lead out of the folder, or around in a circle. What is neither
        // file nor folder has no end to read to.
        if !kind.is_dir() && !kind.is_file() {
            continue;
        }
        if !hidden && path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            found.hidden += 1;
        } else if kind.is_dir() {
            walk(root, &path, hidden, found)?;
        } else {
            let external = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            found.files.push((path, external));
        }
    }
    Ok(())
}

/// Waits until a job has ended, one way or the other.
pub(crate) async fn settled(scope: &Scope, store: &Store, job: JobId) -> Result<JobInfo> {
    loop {
        let info = jobs::get(scope, store, job).await?;
        if info.state.is_final() {
            return Ok(info);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until no job of the tenant is left to do, with a bar; says what was refused.
pub(crate) async fn wait(scope: &Scope, store: &Store) -> Result<()> {
    let first = open_jobs(scope, store).await?;
    if first.is_empty() {
        return Ok(());
    }
    let bar = bar(first.len() as u64, "documents");
    loop {
        let open = open_jobs(scope, store).await?;
        bar.set_position((first.len().saturating_sub(open.len())) as u64);
        if open.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bar.finish_and_clear();
    for job in first {
        let info = jobs::get(scope, store, job).await?;
        if info.state != JobState::Done {
            say!(
                "{} was not added: {} {}",
                info.title,
                info.error.unwrap_or_default(),
                info.advice.unwrap_or_default()
            );
        }
    }
    Ok(())
}

async fn open_jobs(scope: &Scope, store: &Store) -> Result<Vec<JobId>> {
    let mut open = Vec::new();
    let mut cursor = Cursor { after: None, limit: Some(200) };
    loop {
        let page: Page<JobInfo> = jobs::list(scope, store, &cursor).await?;
        open.extend(page.items.into_iter().filter(|job| !job.state.is_final()).map(|job| job.id));
        match page.next {
            Some(next) => cursor.after = Some(next),
            None => return Ok(open),
        }
    }
}

pub(crate) fn bar(length: u64, unit: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(unit);
    bar
}
