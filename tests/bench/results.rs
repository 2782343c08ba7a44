//! Everything measured, and what is made of it.

use crate::figures::{FIGURES, Values};
use crate::machine::Machine;
use crate::peers::{PEERS, REFERENCE};

/// All values of a run.
pub(crate) struct Results {
    /// How often everything was measured.
    pub(crate) rounds: usize,
    /// What it ran on.
    pub(crate) machine: Machine,
    /// The peers' versions.
    pub(crate) versions: Vec<Option<String>>,
    /// By figure, peer and round.
    measured: Vec<Vec<Vec<Values>>>,
}

/// The values of one column of one peer.
pub(crate) struct Summary {
    /// The middle one.
    pub(crate) median: f64,
    /// The least.
    pub(crate) min: f64,
    /// The greatest.
    pub(crate) max: f64,
    /// The median divided by the reference's.
    pub(crate) ratio: Option<f64>,
    /// All of them, in the order of the rounds.
    pub(crate) values: Vec<f64>,
}

impl Results {
    /// None yet.
    pub(crate) fn new(rounds: usize, machine: Machine, versions: Vec<Option<String>>) -> Self {
        let measured = vec![vec![Vec::new(); PEERS.len()]; FIGURES.len()];
        Self { rounds, machine, versions, measured }
    }

    /// Adds a round of a figure of a peer, both given by their indices.
    pub(crate) fn add(&mut self, figure: usize, peer: usize, values: Values) {
        self.measured[figure][peer].push(values);
    }

    /// One column of one peer; nothing if it does not apply to the peer.
    pub(crate) fn summary(&self, figure: usize, peer: usize, column: usize) -> Option<Summary> {
        let values = self.values(figure, peer, column)?;
        let reference = self.values(figure, REFERENCE, column);
        let sorted = sorted(&values);
        let median = median(&sorted);
        Some(Summary {
            median,
            min: *sorted.first()?,
            max: *sorted.last()?,
            ratio: reference.map(|reference| median / self::median(&self::sorted(&reference))),
            values,
        })
    }

    fn values(&self, figure: usize, peer: usize, column: usize) -> Option<Vec<f64>> {
        let rounds = &self.measured[figure][peer];
        let values: Option<Vec<_>> = rounds.iter().map(|values| values[column]).collect();
        values.filter(|values| !values.is_empty())
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Of sorted values, at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_or_between_two() {
        for (values, expected) in [
            (&[7.0][..], 7.0),
            (&[1.0, 9.0], 5.0),
            (&[9.0, 1.0, 2.0], 2.0),
            (&[4.0, 1.0, 9.0, 2.0], 3.0),
        ] {
            assert!((median(&sorted(values)) - expected).abs() < 1e-9, "{values:?}");
        }
    }
}
