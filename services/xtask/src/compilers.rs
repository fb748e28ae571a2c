//! The C and C++ compilers and make: they cannot come from a package index, so a machine that
//! lacks them is told so before anything is fetched.

use crate::errors::{Outcome, Problem};
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub fn check() -> Outcome<()> {
    for (variable, program, what) in
        [("CC", "cc", "a C compiler"), ("CXX", "c++", "a C++ compiler"), ("MAKE", "make", "make")]
    {
        let set = std::env::var(variable).ok().filter(|value| !value.is_empty());
        let program = set.as_deref().unwrap_or(program);
        if !runs(program) {
            return Err(Problem::new(
                format!("{what} is missing: `{program}` does not run."),
                "Install one (Debian, Ubuntu: apt install build-essential; Fedora: dnf install gcc gcc-c++ make; \
                 Arch: pacman -S base-devel), or name yours in CC and CXX.",
            ));
        }
    }
    Ok(())
}

/// `CC` may carry arguments, as in "ccache gcc".
fn compiler(program: &str, arguments: &[&str]) -> Option<String> {
    let mut words = program.split_whitespace();
    let mut command = Command::new(words.next()?);
    let output = command.args(words).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn runs(program: &str) -> bool {
    compiler(program, &["--version"]).is_some()
}

/// The headers that belong to the compiler itself (stddef.h and the like). The libclang of the
/// package index comes without them.
pub fn builtin_headers() -> Option<PathBuf> {
    let cc = std::env::var("CC").ok().filter(|value| !value.is_empty()).unwrap_or_else(|| "cc".into());
    let gcc = |program: &str| compiler(program, &["-print-file-name=include"]).map(PathBuf::from);
    let clang = |program: &str| Some(PathBuf::from(compiler(program, &["-print-resource-dir"])?).join("include"));
    [gcc(&cc), gcc("gcc"), clang(&cc), clang("clang")]
        .into_iter()
        .flatten()
        .find(|place| place.is_absolute() && place.join("stddef.h").is_file())
}
