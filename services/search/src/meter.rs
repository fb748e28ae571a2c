//! What a search counts: its time, by stage, and how much it weighed.

use fuente_contract::search::SearchTimings;
use metrics::histogram;
use std::time::Duration;

/// One search that came to its end: the passages that both legs found, and the parts of its time.
pub(crate) fn searched(time: Duration, candidates: usize, timings: &SearchTimings) {
    histogram!("fuente_search_seconds").record(time);
    histogram!("fuente_search_candidates").record(u32::try_from(candidates).unwrap_or(u32::MAX));
    let SearchTimings { embed, vectors, recheck, select } = timings;
    for (stage, milliseconds) in [("embed", embed), ("vectors", vectors), ("recheck", recheck), ("select", select)] {
        histogram!("fuente_search_stage_seconds", "stage" => stage).record(f64::from(*milliseconds) / 1_000.0);
    }
}
