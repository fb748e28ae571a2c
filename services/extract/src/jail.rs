//! The parent's side: starts the child, waits a bounded time for a bounded answer, and makes a typed
//! error of every way in which a child can end.

use crate::child::{Outcome, Request, UNFILTERED, UNWALLED};
use crate::recognise::{MAX_PICTURE_BYTES, Recognised, Said};
use crate::{ExtractError, Extracted, Limits, Ocr};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
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
    /// Where scanned pages can be recognised.
    pub ocr: Option<Ocr>,
}

/// A document's end, and what it cost.
#[derive(Debug)]
pub struct Measured {
    pub outcome: Result<Extracted, ExtractError>,
    /// The most memory that the child had in use, where it lived to say so.
    pub peak_bytes: Option<u64>,
}

/// What holds around a child beside the limits on memory, time and files, which always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walls {
    /// Only system calls that a reader needs.
    pub filtered_calls: bool,
    /// The kernel itself refuses files and connections (landlock).
    pub kernel_wall: bool,
    /// A user of its own, apart from that of Fuente.
    pub other_user: bool,
}

impl Jail {
    /// Reads `file`; `file_name` is its name from outside, used only as a hint.
    ///
    /// # Errors
    /// Every end but a text, typed; nothing that the file does can fail the caller.
    pub async fn run(&self, file: &Path, file_name: &str) -> Result<Extracted, ExtractError> {
        self.measure(file, file_name).await.outcome
    }

    /// Like [`Jail::run`], with what it cost.
    pub async fn measure(&self, file: &Path, file_name: &str) -> Measured {
        match self.read(file, file_name).await {
            Ok(Answer { outcome, peak_kib, .. }) => {
                Measured { outcome: checked(outcome), peak_bytes: peak_kib.map(|kib| kib.saturating_mul(1024)) }
            }
            Err(error) => Measured { outcome: Err(error), peak_bytes: None },
        }
    }

    /// Which walls stand around the child on this machine, seen while it reads `file`.
    ///
    /// # Errors
    /// As [`Jail::run`].
    pub async fn walls(&self, file: &Path, file_name: &str) -> Result<Walls, ExtractError> {
        let Answer { outcome, words, .. } = self.read(file, file_name).await?;
        outcome?;
        Ok(Walls {
            filtered_calls: !words.contains(UNFILTERED),
            kernel_wall: !words.contains(UNWALLED),
            other_user: nix::unistd::geteuid().is_root(),
        })
    }

    async fn read(&self, file: &Path, file_name: &str) -> Result<Answer, ExtractError> {
        let request = self.request(file, file_name)?;
        // The child sees an empty directory and none of our environment.
        let empty = tempfile::tempdir().map_err(setup)?;
        let mut child = self.command(empty.path())?.spawn().map_err(setup)?;
        let Some(stderr) = child.stderr.take() else { return Err(setup("it has no pipes")) };
        let talk = async {
            let ended = self.converse(&mut child, &request, empty.path()).await;
            // It may have ended by itself; then there is nothing to kill.
            let _ = child.kill().await;
            ended
        };
        let (ended, words) = tokio::join!(talk, bounded(stderr, MAX_STDERR));
        let words = String::from_utf8_lossy(&words).into_owned();
        if words.contains(UNFILTERED) {
            tracing::warn!("documents are read without a filter of system calls: `fuente doctor` says more");
        }
        match ended {
            Ok((outcome, peak_kib)) => Ok(Answer { outcome, words, peak_kib }),
            Err(Broken::Known(error)) => Err(error),
            Err(Broken::Ended(status)) => {
                tracing::info!(%status, words = words.trim(), "the extracting child ended without an answer");
                Err(reason(status, &words))
            }
        }
    }

    fn request(&self, file: &Path, file_name: &str) -> Result<Vec<u8>, ExtractError> {
        let request = Request {
            path: std::path::absolute(file).map_err(setup)?,
            name: file_name.to_owned(),
            pdfium: std::path::absolute(&self.pdfium).map_err(setup)?,
            limits: self.limits(),
        };
        let mut line = serde_json::to_vec(&request).map_err(setup)?;
        line.push(b'\n');
        Ok(line)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            cpu_seconds: self.cpu_seconds,
            memory_bytes: self.memory_bytes,
            max_text_chars: self.max_text_chars,
            max_pages: self.max_pages,
            ocr_pages: self.ocr.as_ref().map_or(0, |ocr| ocr.max_pages),
            wall_seconds: self.wall.as_secs(),
        }
    }

    /// The child, in `directory`.
    pub(crate) fn command(&self, directory: &Path) -> Result<Command, ExtractError> {
        let program = std::path::absolute(&self.program).map_err(setup)?;
        let mut command = Command::new(program);
        command.args(&self.args).env_clear().current_dir(directory).kill_on_drop(true).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    /// Hands over the request and takes the answer; a picture that the child shows is recognised on
    /// the way, and its own clock stands still. Whoever drops this future kills the child.
    async fn converse(&self, child: &mut Child, request: &[u8], directory: &Path) -> Result<Ended, Broken> {
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(setup("it has no pipes").into());
        };
        let mut stdout = BufReader::new(stdout);
        // A child that ends early breaks the pipe; how it ended says more than that.
        let _ = stdin.write_all(request).await;
        let (mut left, mut pictures) = (self.wall, 0);
        loop {
            let started = Instant::now();
            let said = tokio::time::timeout(left, self.hear(child, &mut stdout)).await;
            let said = said.map_err(|_| Broken::Known(ExtractError::TimedOut))??;
            left = left.saturating_sub(started.elapsed());
            let (bytes, dpi) = match said {
                Said::Recognise { bytes, dpi } => (bytes, dpi),
                Said::Done { outcome, peak_kib } => {
                    drop(stdin);
                    let status = tokio::time::timeout(left, child.wait()).await;
                    return match status {
                        Ok(Ok(status)) if status.success() => Ok((*outcome, peak_kib)),
                        Ok(Ok(status)) => Err(Broken::Ended(status)),
                        Ok(Err(error)) => Err(setup(error).into()),
                        Err(_) => Err(ExtractError::TimedOut.into()),
                    };
                }
            };
            pictures += 1;
            let Some(ocr) = self.ocr.as_ref().filter(|ocr| pictures <= ocr.max_pages && bytes <= MAX_PICTURE_BYTES)
            else {
                tracing::warn!("the extracting child asked for more than it may");
                return Err(ExtractError::Crashed.into());
            };
            let recognised: Recognised = ocr.recognise(self, directory, &mut stdout, bytes, dpi).await;
            let mut line = serde_json::to_vec(&recognised).map_err(setup)?;
            line.push(b'\n');
            let _ = stdin.write_all(&line).await;
        }
    }

    /// The next line of the child, or how it ended.
    async fn hear(
        &self,
        child: &mut Child,
        stdout: &mut (impl tokio::io::AsyncBufRead + Unpin),
    ) -> Result<Said, Broken> {
        let allowed = ANSWER_BYTES_PER_CHAR * self.max_text_chars as u64 + ANSWER_EXTRA;
        let mut line = Vec::new();
        // What could be read before an error is judged by the child's status.
        let _ = stdout.take(allowed + 1).read_until(b'\n', &mut line).await;
        if line.len() as u64 > allowed {
            return Err(ExtractError::TooLarge("its text does not fit the answer".to_owned()).into());
        }
        if line.is_empty() {
            return Err(Broken::Ended(child.wait().await.map_err(setup)?));
        }
        serde_json::from_slice(&line).map_err(|error| {
            tracing::warn!(%error, "the extracting child gave no readable answer");
            ExtractError::Crashed.into()
        })
    }
}

/// A document's end, and the most memory the child had in use.
type Ended = (Outcome, Option<u64>);

struct Answer {
    outcome: Outcome,
    words: String,
    peak_kib: Option<u64>,
}

/// Why there is no answer.
enum Broken {
    Known(ExtractError),
    Ended(ExitStatus),
}

impl From<ExtractError> for Broken {
    fn from(error: ExtractError) -> Self {
        Self::Known(error)
    }
}

/// The parent does not trust what a child says.
fn checked(outcome: Outcome) -> Outcome {
    let extracted = outcome?;
    match extracted.check() {
        Ok(()) => Ok(extracted),
        Err(promise) => {
            tracing::warn!(promise, "the extracting child broke a promise");
            Err(ExtractError::Crashed)
        }
    }
}

/// Reads one byte more than allowed, to tell "full" from "too much", and then lets go of the pipe.
pub(crate) async fn bounded(pipe: impl AsyncRead + Unpin, allowed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What could be read before an error is judged by the child's status.
    let _ = pipe.take(allowed + 1).read_to_end(&mut bytes).await;
    bytes
}

/// Why a child ended that gave no answer.
pub(crate) fn reason(status: ExitStatus, words: &str) -> ExtractError {
    // The last is what Rust says where the PDF engine throws, which it does only without memory.
    let signs = ["memory allocation of", "bad_alloc", "out of memory", "Out of memory", "foreign exceptions"];
    let out_of_memory = signs.iter().any(|sign| words.contains(sign));
    match status.signal().and_then(|signal| nix::sys::signal::Signal::try_from(signal).ok()) {
        Some(nix::sys::signal::Signal::SIGXCPU | nix::sys::signal::Signal::SIGALRM) => ExtractError::TimedOut,
        // Only the kernel, short of memory, kills a child that we have not killed.
        Some(nix::sys::signal::Signal::SIGKILL) => ExtractError::OutOfMemory,
        _ if out_of_memory => ExtractError::OutOfMemory,
        _ => ExtractError::Crashed,
    }
}

pub(crate) fn setup(error: impl std::fmt::Display) -> ExtractError {
    ExtractError::Setup(format!("the child process cannot run ({error})"))
}
