//! The hostile corpus: files made to hurt a reader, each through the jail with the limits of the
//! product. None may hang, break the worker, or take more memory than it is allowed; each ends read
//! or refused with a typed reason. This program is its own child.

mod archives;
mod markup;
mod pictures;
mod texts;
mod through;

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::ExitCode;

/// A file's name, and its bytes.
type Made = (String, Vec<u8>);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("extract-child") => return fuente_extract::child::main(),
        // For `cargo xtask drill corpus`: the same files in a folder.
        Some("write") => {
            let folder = Path::new(arguments.get(2).map_or("corpus", String::as_str));
            std::fs::create_dir_all(folder).expect("a folder");
            through::files(&mut |(name, bytes)| std::fs::write(folder.join(name), bytes).expect("a file"));
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let trials = vec![Trial::test("every_hostile_file_ends_well", || through::run().map_err(Failed::from))];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
