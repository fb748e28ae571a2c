//! The parent's side: starts the child, waits a bounded time for a bounded answer, and makes a typed
//! error of every way in which a child can end.

use crate::child::{Outcome, Request, UNFILTERED};
use crate::{ExtractError, Extracted, Limits};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// Enough of the child's last words to tell why it ended.
const MAX_STDERR: u64 = 16 * 1024;
/// A character takes at most this in the answer, escapes and block offsets included.
const ANSWER_BYTES_PER_CHAR: u64 = 16;
const ANSWER_EXTRA: u64 = 16 * 1024 * 1024;

/// How documents are read: which program, under which limits.
#[derive(Clone, Debug)]
pub struct Jail {
    /// A program whose arguments below make it call [`crate::child::main`].
    pub program: PathBuf,
    pub args: Vec<String>,
    /// libpdfium.so.
    pub pdfium: PathBuf,
    pub wall: Duration,
    pub cpu_seconds: u64,
    pub memory_bytes: u64,
    pub max_text_chars: usize,
    pub max_pages: u32,
}

/// What holds around a child beside the limits on memory, time and files, which always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walls {
    /// Only system calls that a reader needs.
    pub filtered_calls: bool,
    /// A user of its own, apart from that of Fuente.
    pub other_user: bool,
}

impl Jail {
    /// Reads `file`; `file_name` is its name from outside, used only as a hint.
    ///
    /// # Errors
    /// Every end but a text, typed; nothing that the file does can fail the caller.
    pub async fn run(&self, file: &Path, file_name: &str) -> Result<Extracted, ExtractError> {
        self.read(file, file_name).await.map(|(extracted, _)| extracted)
    }

    /// Which walls stand around the child on this machine, seen while it reads `file`.
    ///
    /// # Errors
    /// As [`Jail::run`].
    pub async fn walls(&self, file: &Path, file_name: &str) -> Result<Walls, ExtractError> {
        let (_, words) = self.read(file, file_name).await?;
        let other_user = nix::unistd::geteuid().is_root();
        Ok(Walls { filtered_calls: !words.contains(UNFILTERED), other_user })
    }

    async fn read(&self, file: &Path, file_name: &str) -> Result<(Extracted, String), ExtractError> {
        let request = self.request(file, file_name)?;
        // The child sees an empty directory and none of our environment.
        let empty = tempfile::tempdir().map_err(setup)?;
        let mut child = self.start(empty.path())?;
        let ended = tokio::time::timeout(self.wall, self.converse(&mut child, &request)).await;
        let Ok(ended) = ended else {
            stop(&mut child).await;
            return Err(ExtractError::TimedOut);
        };
        stop(&mut child).await;
        let (outcome, words) = ended?;
        let extracted = outcome?;
        if words.contains(UNFILTERED) {
            tracing::warn!("documents are read without a filter of system calls: `fuente doctor` says more");
        }
        if let Err(promise) = extracted.check() {
            tracing::warn!(promise, "the extracting child broke a promise");
            return Err(ExtractError::Crashed);
        }
        Ok((extracted, words))
    }

    fn request(&self, file: &Path, file_name: &str) -> Result<Vec<u8>, ExtractError> {
        let request = Request {
            path: std::path::absolute(file).map_err(setup)?,
            name: file_name.to_owned(),
            pdfium: std::path::absolute(&self.pdfium).map_err(setup)?,
            limits: Limits {
                cpu_seconds: self.cpu_seconds,
                memory_bytes: self.memory_bytes,
                max_text_chars: self.max_text_chars,
                max_pages: self.max_pages,
                wall_seconds: self.wall.as_secs(),
            },
        };
        serde_json::to_vec(&request).map_err(setup)
    }

    fn start(&self, directory: &Path) -> Result<Child, ExtractError> {
        let program = std::path::absolute(&self.program).map_err(setup)?;
        let mut command = Command::new(program);
        command.args(&self.args).env_clear().current_dir(directory).kill_on_drop(true).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(setup)
    }

    /// Hands over the request and takes the answer. Whoever drops this future kills the child.
    async fn converse(&self, child: &mut Child, request: &[u8]) -> Result<(Outcome, String), ExtractError> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(ExtractError::Setup("the child has no pipes".to_owned()));
        };
        let allowed = ANSWER_BYTES_PER_CHAR * self.max_text_chars as u64 + ANSWER_EXTRA;
        let ask = async move {
            // A child that ends early breaks the pipe; how it ended says more than that.
            let _ = stdin.write_all(request).await;
        };
        let ((), answer, words) = tokio::join!(ask, bounded(stdout, allowed), bounded(stderr, MAX_STDERR));
        if answer.len() as u64 > allowed {
            return Err(ExtractError::TooLarge("its text does not fit the answer".to_owned()));
        }
        let status = child.wait().await.map_err(setup)?;
        let words = String::from_utf8_lossy(&words).into_owned();
        if !status.success() {
            tracing::info!(%status, words = words.trim(), "the extracting child ended without an answer");
            return Err(reason(status, &words));
        }
        let outcome = serde_json::from_slice(&answer).map_err(|error| {
            tracing::warn!(%error, "the extracting child gave no readable answer");
            ExtractError::Crashed
        })?;
        Ok((outcome, words))
    }
}

/// Reads one byte more than allowed, to tell "full" from "too much", and then lets go of the pipe.
async fn bounded(pipe: impl AsyncRead + Unpin, allowed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What could be read before an error is judged by the child's status.
    let _ = pipe.take(allowed + 1).read_to_end(&mut bytes).await;
    bytes
}

/// Why a child ended that gave no answer.
fn reason(status: ExitStatus, words: &str) -> ExtractError {
    let out_of_memory =
        ["memory allocation of", "bad_alloc", "out of memory", "Out of memory"].iter().any(|sign| words.contains(sign));
    match status.signal().and_then(|signal| nix::sys::signal::Signal::try_from(signal).ok()) {
        Some(nix::sys::signal::Signal::SIGXCPU | nix::sys::signal::Signal::SIGALRM) => ExtractError::TimedOut,
        // Only the kernel, short of memory, kills a child that we have not killed.
        Some(nix::sys::signal::Signal::SIGKILL) => ExtractError::OutOfMemory,
        _ if out_of_memory => ExtractError::OutOfMemory,
        _ => ExtractError::Crashed,
    }
}

async fn stop(child: &mut Child) {
    // It may have ended by itself; then there is nothing to kill.
    let _ = child.kill().await;
}

fn setup(error: impl std::fmt::Display) -> ExtractError {
    ExtractError::Setup(format!("the child process cannot run ({error})"))
}
