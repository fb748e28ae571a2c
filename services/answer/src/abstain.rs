//! Whether the evidence can carry an answer at all, before a token is spent.

use fuente_contract::search::Signals;

/// Weights of a logistic rule over the search's signals; fitted by `fuente eval abstain`
/// (see its help for the data and the method), not by hand.
const DENSE: f32 = 40.0;
const DENSE_AT: f32 = 0.83;
const COVERAGE: f32 = 4.0;
const COVERAGE_AT: f32 = 0.35;
const SPARSE: f32 = 0.0;
const SPARSE_AT: f32 = 8.0;

/// Why no answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abstention {
    /// Nothing that the asker may read came up at all.
    NothingFound,
    /// What came up is about something else.
    WeakEvidence,
    /// The model read the evidence and says that it does not hold the answer.
    ModelRefused,
    /// The model's sentences are not supported by the evidence.
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

/// Probability, by the fitted rule, that the evidence holds the answer.
pub(crate) fn answerable(signals: &Signals) -> f32 {
    let z = DENSE * (signals.dense - DENSE_AT)
        + COVERAGE * (signals.coverage - COVERAGE_AT)
        + SPARSE * (signals.sparse - SPARSE_AT);
    1.0 / (1.0 + (-z).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_signals_answer_and_weak_ones_do_not() {
        let strong = Signals { dense: 0.91, sparse: 14.0, coverage: 0.9, margin: 0.08 };
        let weak = Signals { dense: 0.79, sparse: 2.0, coverage: 0.1, margin: 0.01 };
        assert!(answerable(&strong) > 0.8 && answerable(&weak) < 0.2);
    }
}
