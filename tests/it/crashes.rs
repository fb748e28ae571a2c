//! Kills in the middle of ingestion; `cargo xtask drill crash` does more of them.

use crate::Case;
use fuente_tests::crash;

pub fn cases() -> Vec<Case> {
    vec![Case::plain("crashes::twenty_kills_lose_nothing", twenty_kills_lose_nothing)]
}

fn twenty_kills_lose_nothing() {
    let drill = crash::drill(20, 7, |line| eprintln!("{line}"));
    let figures = tokio::runtime::Runtime::new().expect("a runtime").block_on(drill);
    assert!(figures.missed().is_empty(), "{:?} {}", figures.missed(), figures.json());
}
