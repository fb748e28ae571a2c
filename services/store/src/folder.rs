//! Folders of data that other users of the machine must not read, whatever the umask says.

use fuente_contract::{Error, Result};
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// Nobody but the owner.
pub const OWN: u32 = 0o700;
/// Others may pass through to a folder of theirs (Postgres' own user does), and see nothing.
pub const PASSAGE: u32 = 0o711;

/// Makes the folder with these permissions, or takes from an existing one what goes beyond them.
///
/// # Errors
/// Where it cannot be made, or is ours and stays open to others.
pub fn private(path: &Path, mode: u32) -> Result<()> {
    let fault = |error: std::io::Error| Error::internal(format!("{}: {error}", path.display()));
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(fault)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        made => made.map_err(fault)?,
    }
    let found = fs::metadata(path).map_err(fault)?;
    let (has, keeps) = (found.mode() & 0o7777, found.mode() & mode);
    // A shared folder such as /tmp is not ours to close, nor is one of another user.
    let ours = found.uid() == nix::unistd::geteuid().as_raw() && has & 0o1000 == 0;
    if ours && has != keeps {
        fs::set_permissions(path, Permissions::from_mode(keeps)).map_err(fault)?;
    }
    Ok(())
}
