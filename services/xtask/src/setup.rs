//! What every command starts from: the checkout, the cache, and Python where it is needed.

use crate::cache::Cache;
use crate::errors::{Outcome, Problem};
use crate::python::Python;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

pub struct Setup {
    pub checkout: PathBuf,
    pub cache: Cache,
    python: OnceCell<Python>,
}

impl Setup {
    pub fn new() -> Outcome<Setup> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Err(Problem::new(
                "this set-up knows Linux on x86-64 only.",
                "Use such a machine, a virtual machine, or a container.",
            ));
        }
        // Cargo says where the package is now; the place at compile time is for a direct call.
        let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let checkout = Path::new(&package).ancestors().nth(2);
        let checkout = checkout.ok_or_else(|| Problem::new("the checkout was not found.", "Use `cargo xtask`."))?;
        Ok(Setup { checkout: checkout.to_owned(), cache: Cache::find(), python: OnceCell::new() })
    }

    /// Looked for only when something has to be fetched: a ready cache needs no Python.
    pub fn python(&self) -> Outcome<&Python> {
        if let Some(python) = self.python.get() {
            return Ok(python);
        }
        let python = Python::find(&self.checkout, &self.cache)?;
        Ok(self.python.get_or_init(|| python))
    }
}
