//! Kills in the middle of ingestion; `cargo xtask drill crash` does more of them.

use crate::Case;
use fuente_tests::{crash, stale};

pub fn cases() -> Vec<Case> {
    vec![
        Case::plain("crashes::twenty_kills_lose_nothing", twenty_kills_lose_nothing),
        Case::plain("crashes::a_stale_worker_never_publishes", a_stale_worker_never_publishes),
    ]
}

fn twenty_kills_lose_nothing() {
    let drill = crash::drill(20, 7, |line| eprintln!("{line}"));
    let figures = tokio::runtime::Runtime::new().expect("a runtime").block_on(drill);
    assert!(figures.missed().is_empty(), "{:?} {}", figures.missed(), figures.json());
}

fn a_stale_worker_never_publishes() {
    let drill = stale::drill(4, |line| eprintln!("{line}"));
    let figures = tokio::runtime::Runtime::new().expect("a runtime").block_on(drill);
    assert!(figures.missed().is_empty(), "{:?} {}", figures.missed(), figures.json());
}
