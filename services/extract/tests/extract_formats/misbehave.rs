//! Children that do what a broken or conquered parser would do, under the confinement of the product.

use fuente_extract::{Block, BlockKind, ExtractError, Extracted};
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn main(name: &str) -> ExitCode {
    match name {
        "child-hangs" => fuente_extract::child::main_with(|_| {
            loop {
                std::thread::sleep(std::time::Duration::from_secs(3600));
            }
        }),
        "child-spins" => fuente_extract::child::main_with(|_| {
            let mut n = 0_u64;
            loop {
                n = std::hint::black_box(n + 1);
            }
        }),
        "child-allocates" => fuente_extract::child::main_with(|_| {
            let mut kept = Vec::new();
            loop {
                kept.push(vec![1_u8; 16 << 20]);
                std::hint::black_box(&kept);
            }
        }),
        "child-aborts" => fuente_extract::child::main_with(|_| std::process::abort()),
        "child-panics" => fuente_extract::child::main_with(|_| panic!("a parser's own assertion")),
        "child-overflows" => fuente_extract::child::main_with(|_| {
            std::hint::black_box(descend(1));
            Err(ExtractError::Empty)
        }),
        "child-babbles" => fuente_extract::child::main_with(|_| {
            let noise = vec![b'x'; 1 << 20];
            loop {
                if std::io::stdout().write_all(&noise).is_err() {
                    return Err(ExtractError::Empty);
                }
            }
        }),
        "child-lies" => fuente_extract::child::main_with(|_| Ok(beyond_its_text())),
        "child-escapes" => {
            fuente_extract::child::main_with(|bytes| Err(ExtractError::Damaged(escapes(bytes).join(", "))))
        }
        // Leaves the confinement out: nothing it says is an answer.
        "child-mutters" => {
            println!("hello");
            ExitCode::SUCCESS
        }
        other => panic!("no child is called {other}"),
    }
}

fn descend(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { room[0] } else { descend(depth + 1) + room[63] }
}

fn beyond_its_text() -> Extracted {
    let pages = vec![fuente_contract::document::PageStart { page: 1, char_start: 0, label: None }];
    let blocks = vec![Block { kind: BlockKind::Paragraph, char_start: 0, char_end: 500 }];
    Extracted {
        text: "short".to_owned(),
        pages,
        blocks,
        title: None,
        mime: "text/plain".to_owned(),
        warnings: Vec::new(),
    }
}

/// Tries every way out; names those that worked. `bytes` is the address of a listener.
pub(crate) fn escapes(bytes: &[u8]) -> Vec<&'static str> {
    let address = String::from_utf8_lossy(bytes).into_owned();
    let file = std::env::temp_dir().join(format!("fuente-escaped-{}", std::process::id()));
    let tries: [(&str, bool); 8] = [
        ("connected", std::net::TcpStream::connect(address).is_ok()),
        ("bound", std::net::UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("read a file", std::fs::read("/etc/passwd").is_ok()),
        ("wrote a file", std::fs::write(&file, b"x").and_then(|()| std::fs::remove_file(&file)).is_ok()),
        ("listed a directory", std::fs::read_dir("/").is_ok()),
        ("started a program", std::process::Command::new("/bin/true").status().is_ok()),
        // Signal 0 harms nobody, and needs the same right as one that does.
        ("signalled its parent", nix::sys::signal::kill(nix::unistd::getppid(), None).is_ok()),
        ("started a thread", std::thread::Builder::new().spawn(|| ()).is_ok()),
    ];
    let mut worked: Vec<&str> = tries.iter().filter(|(_, worked)| *worked).map(|(name, _)| *name).collect();
    if std::env::vars_os().next().is_some() {
        worked.push("saw an environment");
    }
    worked
}
