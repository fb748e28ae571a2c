//! The crash drill: Fuente is killed over and over in the middle of its work, at named steps and at
//! random, alone or with its Postgres; in the end every upload that was acknowledged must answer, once.

mod check;
mod load;
mod watcher;

use crate::house::House;
use check::Found;
use load::Ledger;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use watcher::Watcher;

/// Where in its work Fuente is killed, in turn.
const STEPS: [&str; 7] = ["extract", "chunk", "embed", "index", "publish", "upload", "random"];
/// Longest wait for a job to reach the step; then it is killed wherever it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for a job to end.
const LONG: Duration = Duration::from_secs(150);
/// Changes that are sent around each kill.
const CHANGES: usize = 4;
/// Every so many kills take Postgres along.
const WITH_POSTGRES: usize = 4;

/// What a drill found.
#[derive(Debug)]
pub struct Figures {
    kills: usize,
    hit: usize,
    found: Found,
    slowest_resume: Duration,
    took: Duration,
}

impl Figures {
    /// The figures as one line of JSON holds them.
    #[must_use]
    pub fn json(&self) -> Value {
        let Found { documents, acknowledged, lost, wrong, doubled, redriven, drift, drift_left, amiss } = &self.found;
        json!({
            "drill": "crash", "kills": self.kills, "kills_at_the_named_step": self.hit,
            "acknowledged": acknowledged, "documents": documents, "lost": lost, "wrong": wrong, "doubled": doubled,
            "redriven": redriven, "drift_before_mending": drift, "drift_left": drift_left,
            "amiss": amiss, "slowest_resume_s": self.slowest_resume.as_secs_f32(), "took_s": self.took.as_secs(),
        })
    }

    /// The bars that were missed.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let mut none = |count: usize, what: &str| {
            if count > 0 {
                missed.push(format!("{count} {what}"));
            }
        };
        none(self.found.lost, "acknowledged documents are lost");
        none(self.found.wrong, "documents answer with another content than was acknowledged");
        none(self.found.doubled, "documents answer with an old content beside the new one");
        none(self.found.drift_left, "disagreements between the stores after reconciliation");
        if self.found.acknowledged == 0 || self.hit * 2 < self.kills {
            missed.push(format!("of {} kills {} hit their step: this proves nothing", self.kills, self.hit));
        }
        if self.slowest_resume > Duration::from_secs(90) {
            missed.push(format!("work resumed only after {:?}", self.slowest_resume));
        }
        missed
    }
}

/// Two workers; and no answer is written here, so that the smallest model is right, which starts soonest.
fn settings() -> Vec<(&'static str, String)> {
    vec![("FUENTE__INGEST__WORKERS", "2".into()), ("FUENTE__MODELS__GENERATOR", "smollm2".into())]
}

/// Kills Fuente `kills` times. The same seed sends the same changes; when they hit depends on the machine.
pub async fn drill(kills: usize, seed: u64, say: impl Fn(&str)) -> Figures {
    let clock = Instant::now();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut house = House::open(settings()).await;
    let mut ledger = Ledger::default();
    let (mut slowest_resume, mut hit) = (Duration::ZERO, 0);
    for kill in 0..kills {
        let step = STEPS[kill % STEPS.len()];
        let changes: Vec<_> = (0..CHANGES).map(|_| ledger.invent(&mut rng)).collect();
        let wait = Duration::from_millis(rng.random_range(0..2_500));
        let watched = Watcher(house.admin.clone());
        let (outcomes, seen) = tokio::join!(load::send(&house, changes), async {
            let seen = watched.reaches(step, wait).await;
            house.kill(kill % WITH_POSTGRES == WITH_POSTGRES - 1);
            seen
        });
        hit += usize::from(seen);
        ledger.record(outcomes);
        house.reap();
        let down = Instant::now();
        house.start().await;
        let resumed = watched.settled().await.duration_since(down);
        slowest_resume = slowest_resume.max(resumed);
        say(&format!(
            "kill {}/{kills} at {step}{}: resumed after {:.1} s, {} documents",
            kill + 1,
            if seen { "" } else { " (not reached)" },
            resumed.as_secs_f32(),
            ledger.documents()
        ));
    }
    let found = check::everything(&house, &ledger).await;
    house.close().await;
    Figures { kills, hit, found, slowest_resume, took: clock.elapsed() }
}
