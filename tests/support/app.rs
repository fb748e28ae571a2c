//! One Fuente on real parts, in a folder of its own, for a whole test binary.

use fuente::assemble::{self, Running};
use fuente_settings::Settings;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A running Fuente and the runtime it lives in.
pub struct TestApp {
    pub url: String,
    pub running: Running,
    runtime: Runtime,
    folder: tempfile::TempDir,
}

/// Settings of a test: embedded everything under `folder`, a free port, the small test model.
pub fn settings(folder: &std::path::Path) -> Settings {
    let mut settings = fuente_settings::load_from(None, []).expect("the defaults are valid");
    settings.data.directory = folder.to_owned();
    settings.gateway.port = 0;
    settings.models.generator = "qwen-0.5b".to_owned();
    settings.extract.program = program("fuente");
    // Small, so that a bomb need not be a large one.
    settings.gateway.max_archive_entries = 100;
    settings.gateway.max_unpacked_bytes = 64 << 20;
    settings
}

/// A program of this workspace, built beside this one: tests are in `target/PROFILE/deps`, programs above.
pub fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a program has a path");
    let folder = here.parent().expect("a folder");
    let folder = if folder.ends_with("deps") { folder.parent().expect("target/PROFILE") } else { folder };
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is not built: run `cargo build --workspace --bins` first, or the whole with `cargo xtask test`",
        path.display()
    );
    path
}

/// A folder for a test's data. Below /tmp, which the unprivileged user that Postgres runs as can enter.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("fuente-test-").tempdir().expect("a folder for the test");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("its permissions");
    folder
}

impl TestApp {
    pub fn start() -> Self {
        Self::with(folder(), |_| {})
    }

    /// One with settings of its own, over the data in `folder`.
    pub fn with(folder: tempfile::TempDir, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(folder.path());
        change(&mut settings);
        let runtime = Runtime::new().expect("a runtime");
        let running = runtime
            .block_on(assemble::start(&settings))
            .unwrap_or_else(|error| panic!("Fuente does not start: {error:#}"));
        Self { url: running.url.clone(), running, runtime, folder }
    }

    /// Where its data are.
    pub fn data(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Runs a test's future.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn stop(self) {
        self.runtime.block_on(self.running.stop()).expect("Fuente stops cleanly");
    }
}

/// Asks `probe` until it gives something, for at most `limit`: waits for a state, not for luck.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    limit: Duration,
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not happen within {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
