//! Whether the evidence can carry an answer at all, before a token is spent.

use fuente_contract::search::Signals;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Why no answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abstention {
    /// Nothing that the asker may read came up at all.
    NothingFound,
    /// What came up does not seem to hold the answer.
    WeakEvidence,
    /// The model read the evidence and says that it does not hold the answer.
    ModelRefused,
    /// The sources do not carry what the model says, or lack the kind of thing that was asked for.
    Unsupported,
}

impl Abstention {
    /// The stable word in the trace.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NothingFound => "nothing_found",
            Self::WeakEvidence => "weak_evidence",
            Self::ModelRefused => "model_refused",
            Self::Unsupported => "unsupported",
        }
    }
}

/// Weights of a logistic rule, in the units of its inputs.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    bias: f32,
    /// Added where the question is in Spanish: the judge is asked in other words.
    spanish: f32,
    dense: f32,
    sparse: f32,
    coverage: f32,
    margin: f32,
    judge: f32,
}

static RULES: LazyLock<HashMap<String, Rule>> =
    LazyLock::new(|| toml::from_str(include_str!("../calibration.toml")).unwrap_or_default());

/// Coverage from which the question's words decide: one passage holds nearly all of them, whatever the
/// cosine, which depends on how alike a company's documents are. No question of the calibration set that
/// should be refused comes this far (the highest stands at 0.73).
const HELD: f32 = 0.75;

/// Probability, by the rule fitted for `model`, that the evidence holds the answer. Models nobody
/// calibrated get the rule without a judge.
pub(crate) fn answerable(model: &str, lang: &str, signals: &Signals, judged: Option<f32>) -> f32 {
    if signals.coverage >= HELD {
        return 1.0;
    }
    let own = RULES.get(model).filter(|_| judged.is_some());
    let Some(rule) = own.or_else(|| RULES.get("signals")) else { return 0.0 };
    let spanish = f32::from(u8::from(lang == "es"));
    let z = rule.bias
        + rule.spanish * spanish
        + rule.dense * signals.dense
        + rule.sparse * signals.sparse
        + rule.coverage * signals.coverage
        + rule.margin * signals.margin
        + rule.judge * judged.unwrap_or(0.0);
    1.0 / (1.0 + (-z).exp())
}

/// Whether a judge's word counts for `model`.
pub(crate) fn is_calibrated(model: &str) -> bool {
    RULES.contains_key(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_signals_answer_and_weak_ones_do_not() {
        let strong = Signals { dense: 0.91, sparse: 14.0, coverage: 0.9, margin: 0.08 };
        let weak = Signals { dense: 0.79, sparse: 2.0, coverage: 0.1, margin: 0.01 };
        assert!(answerable("unknown", "en", &strong, None) > 0.8);
        assert!(answerable("unknown", "en", &weak, None) < 0.2);
        // A judge without a calibration has no say.
        let (silent, heard) = (answerable("unknown", "en", &weak, None), answerable("unknown", "en", &weak, Some(6.0)));
        assert!((silent - heard).abs() < 1e-6);
    }

    #[test]
    fn every_rule_heeds_its_judge() {
        assert!(RULES.len() >= 3, "the calibration file does not parse");
        let signals = Signals { dense: 0.85, sparse: 8.0, coverage: 0.4, margin: 0.03 };
        for model in RULES.keys().filter(|model| *model != "signals") {
            assert!(
                answerable(model, "en", &signals, Some(4.0)) > answerable(model, "en", &signals, Some(-4.0)),
                "{model}"
            );
        }
    }
}
