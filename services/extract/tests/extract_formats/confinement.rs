//! Every way in which a child can end badly becomes a typed error, and none gets out.

use crate::misbehave;
use crate::support::{expect_code, jail, read_with, trial};
use fuente_extract::ExtractError;
use libtest_mimic::Trial;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("child_that_hangs_is_killed", hangs),
        trial("child_that_spins_runs_out_of_time", spins),
        trial("child_that_allocates_runs_out_of_memory", allocates),
        trial("child_that_crashes", crashes),
        trial("child_that_never_stops_talking", babbles),
        trial("child_that_lies", lies),
        trial("child_cannot_get_out", cannot_get_out),
        trial("child_says_which_walls_stand", says_which_walls_stand),
        trial("child_with_one_wall_still_stays_inside", one_wall),
        trial("child_that_cannot_start", cannot_start),
        trial("child_dies_with_the_request", dies_with_the_request),
    ]
}

fn ends(child: &str) -> Result<fuente_extract::Extracted, ExtractError> {
    let mut jail = jail(child);
    jail.wall = Duration::from_secs(20);
    jail.cpu_seconds = 1;
    read_with(&jail, b"text", "a.txt")
}

fn hangs() {
    let mut jail = jail("child-hangs");
    jail.wall = Duration::from_millis(300);
    let started = Instant::now();
    expect_code(read_with(&jail, b"text", "a.txt"), "timed_out");
    assert!(started.elapsed() < Duration::from_secs(5));
}

fn spins() {
    expect_code(ends("child-spins"), "timed_out");
}

fn allocates() {
    expect_code(ends("child-allocates"), "out_of_memory");
}

fn crashes() {
    for child in ["child-aborts", "child-panics", "child-overflows", "child-mutters"] {
        expect_code(ends(child), "crashed");
    }
}

fn babbles() {
    let mut jail = jail("child-babbles");
    jail.max_text_chars = 1000;
    expect_code(read_with(&jail, b"text", "a.txt"), "too_large");
}

fn lies() {
    expect_code(ends("child-lies"), "crashed");
}

fn cannot_get_out() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert_eq!(misbehave::escapes(address.as_bytes()).len(), 9, "outside the jail every way is open");
    drop(listener.accept().expect("our own call"));
    let ended = read_with(&jail("child-escapes"), address.as_bytes(), "a.txt");
    assert_eq!(ended, Err(ExtractError::Damaged(String::new())), "no way out worked");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody called");
}

/// Linux on the processors we support filters calls; what `doctor` prints rests on this.
fn says_which_walls_stand() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "text").unwrap();
    let walls = runtime.block_on(jail("extract-child").walls(file.path(), "a.txt")).unwrap();
    assert!(walls.filtered_calls, "{walls:?}");
    assert_eq!(walls.other_user, nix::unistd::geteuid().is_root());
}

/// Beside the filter of calls, the kernel's own wall and the limits hold: on this machine, each is seen.
fn one_wall() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "text").unwrap();
    let measured = runtime.block_on(jail("extract-child").measure(file.path(), "a.txt"));
    assert!(measured.outcome.is_ok());
    let peak = measured.peak_bytes.expect("the child says what it used");
    assert!((1 << 20..512 << 20).contains(&peak), "{peak}");
    let walls = runtime.block_on(jail("extract-child").walls(file.path(), "a.txt")).unwrap();
    if !walls.kernel_wall {
        eprintln!("\n*** this kernel has no landlock: that wall is NOT tested ***\n");
    }
}

fn cannot_start() {
    let mut no_program = jail("extract-child");
    no_program.program = "/nonexistent/fuente".into();
    expect_code(read_with(&no_program, b"text", "a.txt"), "setup");
    let mut no_library = jail("extract-child");
    no_library.pdfium = "/nonexistent/libpdfium.so".into();
    expect_code(read_with(&no_library, b"%PDF-1.4", "a.pdf"), "setup");
    assert!(ends("extract-child").is_ok(), "other formats need no library");
}

/// A worker that is stopped drops the future; its child must not live on.
fn dies_with_the_request() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let jail = jail("child-hangs");
    runtime.block_on(async {
        tokio::select! {
            _ = jail.run(file.path(), "a.txt") => panic!("a hanging child gave an answer"),
            () = until(|| !children().is_empty()) => {}
        }
        until(|| children().is_empty()).await;
    });
}

/// The processes of this program that hang.
fn children() -> Vec<String> {
    let parent = std::process::id();
    let mine = |status: &str| status.lines().any(|line| line == format!("PPid:\t{parent}"));
    let entries = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let hanging = entries.filter(|path| {
        let command = std::fs::read_to_string(path.join("cmdline")).unwrap_or_default();
        command.contains("child-hangs")
            && std::fs::read_to_string(path.join("status")).is_ok_and(|status| mine(&status))
    });
    hanging.map(|path| path.display().to_string()).collect()
}

async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "the state did not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
