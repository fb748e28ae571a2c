//! Text recognition by the `tesseract` program, in a jail of its own: the parent starts a child, which
//! takes the limits and walls of a reader and then becomes the program. It has one thread, no network,
//! writes no file, and reads none but its libraries and models.

use crate::jail::{self, Jail};
use crate::recognise::Recognised;
use crate::{ExtractError, Limits, confine};
use serde::{Deserialize, Serialize};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};

/// Behind the child's own argument.
pub(crate) const ARGUMENT: &str = "recognise";
/// The words of a page with their places; a page of small print has a tenth of this.
const MAX_TABLE: u64 = 8 << 20;
const MAX_STDERR: u64 = 16 * 1024;
/// The exit status of a child that did not become the program.
const NOT_STARTED: u8 = 75;
/// How long a reader may take to hand over a picture that nobody wants any more.
const DRAIN: Duration = Duration::from_secs(10);

/// The program that recognises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ocr {
    /// The path of `tesseract`.
    pub program: PathBuf,
    /// As tesseract names them, joined by "+".
    pub languages: String,
    /// Pictures and scanned pages of one file that are recognised.
    pub max_pages: u32,
}

#[derive(Serialize, Deserialize)]
struct Request {
    ocr: Ocr,
    dpi: Option<u32>,
    limits: Limits,
}

impl Ocr {
    /// The languages of [`Ocr::languages`] that are installed, and those that are not.
    ///
    /// # Errors
    /// Where the program cannot be asked.
    pub async fn installed(&self) -> Result<(Vec<String>, Vec<String>), ExtractError> {
        let mut command = Command::new(&self.program);
        command.arg("--list-langs").stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(DRAIN, command.output()).await;
        let output = output.map_err(|_| ExtractError::Setup("tesseract does not answer".to_owned()))?;
        let output = output.map_err(|error| ExtractError::Setup(format!("tesseract does not start ({error})")))?;
        let list = String::from_utf8_lossy(&output.stdout).into_owned();
        let wanted = self.languages.split('+').filter(|language| !language.is_empty()).map(str::to_owned);
        Ok(wanted.partition(|language| list.lines().any(|line| line.trim() == language)))
    }

    /// Recognises the picture whose `bytes` come next from `picture`, and takes all of them from it.
    pub(crate) async fn recognise(
        &self,
        jail: &Jail,
        directory: &Path,
        picture: &mut (impl AsyncRead + Unpin),
        bytes: u64,
        dpi: Option<u32>,
    ) -> Recognised {
        let mut left = bytes;
        let talk = async {
            let mut child = self.start(jail, directory, dpi)?;
            let ended = self.talk(&mut child, picture, &mut left).await;
            let _ = child.kill().await;
            ended
        };
        let ended = tokio::time::timeout(jail.wall, talk).await.unwrap_or(Err(ExtractError::TimedOut));
        let drained = tokio::time::timeout(DRAIN, pass(picture, &mut left, None)).await;
        if drained.is_err() || left > 0 { Err(ExtractError::Crashed) } else { ended }
    }

    fn start(&self, jail: &Jail, directory: &Path, dpi: Option<u32>) -> Result<Child, ExtractError> {
        let request = Request { ocr: self.clone(), dpi, limits: jail.limits() };
        let request = serde_json::to_string(&request).map_err(jail::setup)?;
        let mut command = jail.command(directory)?;
        command.arg(ARGUMENT).arg(request).spawn().map_err(jail::setup)
    }

    async fn talk(&self, child: &mut Child, picture: &mut (impl AsyncRead + Unpin), left: &mut u64) -> Recognised {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(ExtractError::Setup("the child has no pipes".to_owned()));
        };
        let (table, words) = (jail::bounded(stdout, MAX_TABLE), jail::bounded(stderr, MAX_STDERR));
        let ((), table, words) = tokio::join!(pass(picture, left, Some(stdin)), table, words);
        if table.len() as u64 > MAX_TABLE {
            return Err(ExtractError::TooLarge("a page has too many words".to_owned()));
        }
        let status = child.wait().await.map_err(jail::setup)?;
        let words = String::from_utf8_lossy(&words).into_owned();
        let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
        match status.code() {
            Some(0) => Ok(String::from_utf8_lossy(&table).into_owned()),
            Some(code) if code == i32::from(NOT_STARTED) => Err(ExtractError::Setup(words.trim().to_owned())),
            _ if says(&["Failed loading language", "Could not initialize tesseract"]) => {
                Err(ExtractError::Setup(format!("tesseract has no language of {}", self.languages)))
            }
            _ if says(&["bad_alloc", "Out of memory", "calloc", "pix_malloc"]) => Err(ExtractError::OutOfMemory),
            Some(_) => Err(ExtractError::Damaged("its picture cannot be decoded".to_owned())),
            None => Err(jail::reason(status, &words)),
        }
    }
}

/// Passes on `left` bytes. Where nobody takes them, they are read all the same: the reader of the
/// document is waiting to get rid of them.
async fn pass(from: &mut (impl AsyncRead + Unpin), left: &mut u64, mut to: Option<ChildStdin>) {
    let mut buffer = vec![0; 64 * 1024];
    while *left > 0 {
        let most = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let Ok(count @ 1..) = from.read(&mut buffer[..most]).await else { return };
        *left -= count as u64;
        if let Some(pipe) = &mut to
            && pipe.write_all(&buffer[..count]).await.is_err()
        {
            to = None;
        }
    }
}

/// The child's side: confined, this process becomes the program and does not come back.
pub(crate) fn become_the_program(request: &str) -> ExitCode {
    let error = match serde_json::from_str::<Request>(request) {
        Ok(request) => match confine::limit(&request.limits)
            .and_then(|()| confine::drop_rights_before(&request.ocr.program, &request.limits))
        {
            Ok(()) => program(&request).exec().to_string(),
            Err(error) => error,
        },
        Err(error) => error.to_string(),
    };
    eprintln!("tesseract does not start ({error})");
    ExitCode::from(NOT_STARTED)
}

fn program(request: &Request) -> std::process::Command {
    let mut command = std::process::Command::new(&request.ocr.program);
    command.args(["stdin", "stdout", "-l", &request.ocr.languages, "-c", "tessedit_create_tsv=1"]);
    if let Some(dpi) = request.dpi {
        command.args(["--dpi", &dpi.to_string()]);
    }
    command.env_clear().env("OMP_THREAD_LIMIT", "1");
    command
}
