//! Each wall by itself: what one keeps shut must not rest on the others.
//!
//! The kernel's walls hold for the thread that builds them, so a thread of the test is enough. Limits
//! and the user hold for the whole process: this program is started again for them, as one of the
//! two `child_` tests, which are left out otherwise.

use super::{Calls, drop_user, filter_calls, limit, wall_off};
use crate::Limits;
use nix::sys::signal::Signal;
use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// Runs `work` where the walls that it builds hold for nothing else.
fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(work).join().expect("the thread ends")
}

#[test]
fn landlock_alone_keeps_files_and_connections_shut() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let new = scratch.path().join("new");
    let readable = scratch.path().join("readable");
    std::fs::write(&readable, "x").unwrap();
    let (walled, open) = apart(move || {
        let walled = wall_off(&[]).expect("a wall or none");
        let open = [
            File::open("/etc/passwd").is_ok(),
            File::open(&readable).is_ok(),
            File::create(&new).is_ok(),
            std::fs::read_dir("/").is_ok(),
            std::fs::remove_file(&readable).is_ok(),
        ];
        // Older kernels' walls leave connections to the filter of calls.
        (walled, (open, TcpStream::connect(address).is_ok()))
    });
    if !walled {
        eprintln!("\n*** this kernel has no landlock: that wall is NOT tested ***\n");
        return;
    }
    assert_eq!(open.0, [false; 5]);
    assert!(!open.1 || older_than_connections(), "a connection was made");
    assert!(TcpStream::connect(address).is_ok(), "the wall was that thread's");

    // What a program needs is readable, and nothing else; nothing is writable.
    let [inside, outside, written] = apart(|| {
        wall_off(&[PathBuf::from("/usr")]).expect("a wall");
        let written = File::options().append(true).create(true).open("/usr/fuente-was-here");
        [std::fs::read_dir("/usr").is_ok(), File::open("/etc/passwd").is_ok(), written.is_ok()]
    });
    assert_eq!([inside, outside, written], [true, false, false]);
}

/// Whether the kernel's landlock is from before it knew connections (6.7).
fn older_than_connections() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (6, 7)
}

#[test]
fn the_filter_of_calls_alone_opens_and_starts_nothing() {
    for calls in [Calls::Reader, Calls::Program] {
        let (filtered, worked) = apart(move || {
            let filtered = filter_calls(calls).expect("a filter or none");
            let worked = [
                TcpListener::bind("127.0.0.1:0").is_ok(),
                UdpSocket::bind("127.0.0.1:0").is_ok(),
                Command::new("/bin/true").status().is_ok(),
                std::thread::Builder::new().spawn(|| ()).is_ok(),
                File::create("/tmp/fuente-was-here").is_ok(),
            ];
            (filtered, worked)
        });
        assert!(filtered, "this processor's calls can be filtered");
        assert_eq!(worked, [false; 5]);
    }
    let opened = apart(|| {
        filter_calls(Calls::Reader).expect("a filter");
        File::open("/etc/passwd").is_ok()
    });
    assert!(!opened, "a reader opens nothing, not even to read");
}

/// This program once more, as the test that plays the child.
fn child(name: &str) -> (ExitStatus, String) {
    let this = std::env::current_exe().unwrap();
    let run = Command::new(this)
        .args(["--exact", &format!("confine::alone::{name}"), "--ignored", "--nocapture", "--test-threads", "1"])
        .output()
        .unwrap();
    (run.status, String::from_utf8_lossy(&run.stdout).into_owned())
}

#[test]
fn the_limits_alone_keep_files_empty() {
    let (status, said) = child("child_writes_under_the_limits_alone");
    assert!(said.contains("opened"), "{status}: {said}");
    assert!(!said.contains("written"), "{status}: {said}");
    assert_eq!(status.signal(), Some(Signal::SIGXFSZ as i32), "{said}");
}

#[test]
#[ignore = "played by the_limits_alone_keep_files_empty"]
fn child_writes_under_the_limits_alone() {
    let limits = Limits {
        cpu_seconds: 5,
        memory_bytes: 64 << 20,
        max_text_chars: 1_000,
        max_pages: 1,
        ocr_pages: 0,
        wall_seconds: 5,
    };
    let mut file = tempfile::tempfile().unwrap();
    limit(&limits).unwrap();
    println!("opened");
    drop(file.write_all(b"x"));
    println!("written");
}

#[test]
fn the_user_alone_starts_nothing() {
    let (status, said) = child("child_starts_others_as_nobody");
    assert!(status.success(), "{status}: {said}");
}

#[test]
#[ignore = "played by the_user_alone_starts_nothing"]
fn child_starts_others_as_nobody() {
    drop_user().unwrap();
    assert!(Command::new("/bin/true").status().is_err(), "a process was started");
    assert!(std::thread::Builder::new().spawn(|| ()).is_err(), "a thread was started");
}
