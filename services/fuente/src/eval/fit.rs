//! Logistic regression for a handful of inputs and some hundred cases.

#![allow(clippy::cast_precision_loss)] // counts of cases

/// Inputs of one case.
pub(crate) const INPUTS: usize = 6;

/// One case: its inputs, and whether the evidence holds the answer.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) holds: bool,
    pub(crate) x: [f64; INPUTS],
}

/// Weights in the inputs' own units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights {
    pub(crate) bias: f64,
    pub(crate) of: [f64; INPUTS],
}

impl Weights {
    /// Log-odds that the evidence holds the answer.
    pub(crate) fn score(&self, x: &[f64; INPUTS]) -> f64 {
        self.bias + self.of.iter().zip(x).map(|(weight, value)| weight * value).sum::<f64>()
    }
}

/// Gradient descent on standardised inputs with an L2 penalty; both kinds weigh alike, however many
/// cases there are of each. Inputs that `used` leaves out get the weight 0.
pub(crate) fn fit(cases: &[Case], used: [bool; INPUTS]) -> Weights {
    let count = cases.len().max(1) as f64;
    let mean: [f64; INPUTS] = std::array::from_fn(|at| cases.iter().map(|case| case.x[at]).sum::<f64>() / count);
    let spread: [f64; INPUTS] = std::array::from_fn(|at| {
        (cases.iter().map(|case| (case.x[at] - mean[at]).powi(2)).sum::<f64>() / count).sqrt().max(1e-6)
    });
    let scaled: Vec<([f64; INPUTS], bool)> = cases
        .iter()
        .map(|case| {
            (std::array::from_fn(|at| if used[at] { (case.x[at] - mean[at]) / spread[at] } else { 0.0 }), case.holds)
        })
        .collect();
    let of_kind = |holds: bool| count / (2.0 * cases.iter().filter(|case| case.holds == holds).count().max(1) as f64);
    let (yes, no) = (of_kind(true), of_kind(false));
    let mut weights = Weights { bias: 0.0, of: [0.0; INPUTS] };
    for _ in 0..1_500 {
        let mut slope = Weights { bias: 0.0, of: [0.0; INPUTS] };
        for (x, holds) in &scaled {
            let wanted = if *holds { 1.0 } else { 0.0 };
            let error = (1.0 / (1.0 + (-weights.score(x)).exp()) - wanted) * if *holds { yes } else { no };
            slope.of.iter_mut().zip(x).for_each(|(slope, value)| *slope += error * value);
            slope.bias += error;
        }
        for at in 0..INPUTS {
            weights.of[at] -= 0.5 * (slope.of[at] + weights.of[at]) / count;
        }
        weights.bias -= 0.5 * slope.bias / count;
    }
    let bias = weights.bias - (0..INPUTS).map(|at| weights.of[at] * mean[at] / spread[at]).sum::<f64>();
    Weights { bias, of: std::array::from_fn(|at| weights.of[at] / spread[at]) }
}

/// Each case judged by a rule that was fitted to all the others: what to expect of new questions.
pub(crate) fn left_out(cases: &[Case], used: [bool; INPUTS]) -> Vec<(bool, f64)> {
    (0..cases.len())
        .map(|at| {
            let mut others = cases.to_vec();
            let case = others.remove(at);
            (case.holds, fit(&others, used).score(&case.x))
        })
        .collect()
}

/// Chance that a case that holds the answer scores above one that does not.
pub(crate) fn auc(scored: &[(bool, f64)]) -> f64 {
    let of = |holds: bool| scored.iter().filter(move |(kind, _)| *kind == holds).map(|(_, score)| *score);
    let wins: f64 = of(true)
        .map(|a| {
            of(false)
                .map(|b| {
                    if a > b {
                        1.0
                    } else if a < b {
                        0.0
                    } else {
                        0.5
                    }
                })
                .sum::<f64>()
        })
        .sum();
    wins / (of(true).count() * of(false).count()).max(1) as f64
}

/// Share of the cases of one kind that are judged right at even odds.
pub(crate) fn right(scored: &[(bool, f64)], holds: bool) -> f64 {
    let kind: Vec<f64> = scored.iter().filter(|(of, _)| *of == holds).map(|(_, score)| *score).collect();
    kind.iter().filter(|score| (**score >= 0.0) == holds).count() as f64 / kind.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_that_tells_gets_the_weight() {
        let cases: Vec<Case> = (0..40)
            .map(|at| Case { holds: at % 2 == 0, x: [f64::from(at % 2), f64::from(at % 3), 0.0, 0.0, 0.0, 0.0] })
            .collect();
        let weights = fit(&cases, [true; INPUTS]);
        assert!(weights.of[0] < -1.0 && weights.of[1].abs() < 0.3, "{weights:?}");
        let scored = left_out(&cases, [true; INPUTS]);
        assert!(auc(&scored) > 0.99 && right(&scored, true) > 0.99 && right(&scored, false) > 0.99);
        let blind = fit(&cases, [false; INPUTS]);
        assert!(blind.of.iter().all(|weight| weight.abs() < 1e-9));
    }
}
