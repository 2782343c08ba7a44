//! Whether the machine was quiet: neither did others use its processors, nor was
//! it slower than it can be, which the way without a pipe tells.

use serde::{Deserialize, Serialize};

use crate::figures::Better;

/// What disturbed a round of a figure.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Noise {
    /// The share of the processors' time that others had.
    pub(crate) others: f64,
    /// How many times worse it was without a pipe than in the best round.
    pub(crate) direct: Option<f64>,
}

impl Noise {
    /// Whether it was too little to matter.
    pub(crate) fn is_quiet(&self) -> bool {
        self.others <= OTHERS_MAX && self.direct.is_none_or(|direct| direct <= DIRECT_MAX)
    }

    /// How much it was; all quiet rounds are alike.
    pub(crate) fn disturbance(&self) -> f64 {
        if self.is_quiet() {
            return 0.0;
        }
        let direct = self.direct.map_or(0.0, |direct| (direct - 1.0) / (DIRECT_MAX - 1.0));
        direct.max(self.others / OTHERS_MAX)
    }
}

/// What disturbed rounds, given the share that others had, and the figure without
/// a pipe.
pub(crate) fn disturbances(
    rounds: impl Iterator<Item = (f64, Option<f64>)>,
    better: Option<Better>,
) -> Vec<Noise> {
    let rounds: Vec<_> = rounds.collect();
    let values = || rounds.iter().filter_map(|round| round.1);
    let worse: &dyn Fn(f64) -> f64 = match better {
        Some(Better::More) => &|value| values().fold(value, f64::max) / value,
        Some(Better::Less) | None => &|value| value / values().fold(value, f64::min),
    };
    rounds
        .iter()
        .map(|(others, value)| Noise { others: *others, direct: value.map(worse) })
        .collect()
}

/// A twentieth of all processors' time.
const OTHERS_MAX: f64 = 0.05;

/// On a machine that does nothing else, rounds differ by less.
const DIRECT_MAX: f64 = 1.4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_round_is_what_the_others_are_measured_by() {
        for (better, expected) in
            [(Better::More, [2.0, 1.0, 1.6]), (Better::Less, [1.0, 2.0, 1.25])]
        {
            let rounds = [4.0, 8.0, 5.0].map(|value| (0.0, Some(value)));
            let noises = disturbances(rounds.into_iter(), Some(better));
            let direct: Vec<_> = noises.iter().filter_map(|noise| noise.direct).collect();
            assert_eq!(direct, expected, "{better:?}");
        }
    }

    #[test]
    fn a_busy_or_slow_machine_is_not_quiet() {
        let quiet = |others, direct| Noise { others, direct }.is_quiet();
        assert!(quiet(0.01, Some(1.1)));
        assert!(quiet(0.01, None));
        assert!(!quiet(0.2, None));
        assert!(!quiet(0.01, Some(1.7)));
    }
}
