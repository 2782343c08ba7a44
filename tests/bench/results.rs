//! Everything measured, and what is made of it.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::figures::{Figure, Measured};
use crate::machine::Machine;
use crate::noise::{Noise, disturbances};
use crate::options::Options;
use crate::peers::{DIRECT, reference};
use crate::report::{ColumnReport, FigureReport, PeerReport, Report, Summary};

/// All values of a run.
pub(crate) struct Results<'a> {
    options: &'a Options,
    /// By figure.
    rounds: IndexMap<&'static str, Vec<Round>>,
}

/// One figure of all peers, one right after the other.
pub(crate) struct Round {
    /// By the ids of those who take part.
    pub(crate) peers: IndexMap<String, Measured>,
    /// The share of the processors' time that others had.
    pub(crate) others: f64,
}

impl<'a> Results<'a> {
    /// None yet.
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options, rounds: IndexMap::new() }
    }

    /// Adds a round of a figure.
    pub(crate) fn add(&mut self, figure: &Figure, round: Round) {
        self.rounds.entry(figure.id).or_default().push(round);
    }

    /// Whether fewer rounds of a figure were quiet than are wanted.
    pub(crate) fn lacks(&self, figure: &Figure) -> bool {
        let quiet = self.noises(figure).iter().filter(|noise| noise.is_quiet()).count();
        quiet < self.wanted(figure)
    }

    /// All of them summed up. Versions are in the order of the peers.
    pub(crate) fn report(&self, machine: Machine, versions: Vec<Option<String>>) -> Report {
        let peers = self.options.peers.iter().zip(versions).map(|(peer, version)| {
            (peer.id.clone(), PeerReport { name: peer.name.clone(), version })
        });
        let figures = self.options.figures.iter();
        Report {
            machine,
            rounds: self.options.rounds,
            peers: peers.collect(),
            figures: figures.map(|figure| (figure.id.to_owned(), self.figure(figure))).collect(),
        }
    }

    fn wanted(&self, figure: &Figure) -> usize {
        self.options.rounds.min(figure.rounds)
    }

    fn all(&self, figure: &Figure) -> &[Round] {
        self.rounds.get(figure.id).map_or(&[], Vec::as_slice)
    }

    /// What disturbed each round of a figure.
    fn noises(&self, figure: &Figure) -> Vec<Noise> {
        let rounds = self.all(figure);
        // What takes part without a pipe is the measure of the machine.
        let direct = |round: &Round| round.peers.get(DIRECT)?.values.first().copied().flatten();
        let better = figure.columns.first().map(|column| column.better);
        let others = rounds.iter().map(|round| round.others);
        disturbances(others.zip(rounds.iter().map(direct)), better)
    }

    /// The rounds that count: the quiet ones first, then those that were disturbed
    /// least, in the order in which they were taken.
    fn counted(&self, figure: &Figure) -> Vec<(&Round, Noise)> {
        let mut rounds: Vec<_> =
            self.all(figure).iter().zip(self.noises(figure)).enumerate().collect();
        rounds.sort_by(|(_, (_, a)), (_, (_, b))| a.disturbance().total_cmp(&b.disturbance()));
        rounds.truncate(self.wanted(figure));
        rounds.sort_by_key(|(index, _)| *index);
        rounds.into_iter().map(|(_, round)| round).collect()
    }

    fn figure(&self, figure: &Figure) -> FigureReport {
        let (rounds, noises): (Vec<_>, Vec<_>) = self.counted(figure).into_iter().unzip();
        let ids = || self.options.peers.iter().map(|peer| peer.id.as_str());
        let columns = figure.columns.iter().enumerate().map(|(index, column)| {
            let values = |peer: &str| values(&rounds, peer, index);
            let reference = reference(ids()).and_then(values);
            let summary = |id| summary(values(id)?, reference.as_deref());
            let report = ColumnReport {
                title: column.title.to_owned(),
                better: column.better,
                peers: ids().map(|id| (id.to_owned(), summary(id))).collect(),
            };
            (column.id.to_owned(), report)
        });
        let notes = ids().filter_map(|id| {
            let notes = rounds.iter().filter_map(|round| round.peers.get(id)?.note.as_deref());
            let notes: Vec<_> = notes.collect::<BTreeSet<_>>().into_iter().collect();
            (!notes.is_empty()).then(|| (id.to_owned(), notes.join("; ")))
        });
        FigureReport {
            title: figure.title.to_owned(),
            columns: columns.collect(),
            notes: notes.collect(),
            noises,
        }
    }
}

/// One column of one peer in all rounds; nothing if it does not apply to the peer.
fn values(rounds: &[&Round], peer: &str, column: usize) -> Option<Vec<f64>> {
    let values = rounds.iter().map(|round| round.peers.get(peer)?.values[column]);
    values.collect::<Option<Vec<_>>>().filter(|values| !values.is_empty())
}

fn summary(values: Vec<f64>, reference: Option<&[f64]>) -> Option<Summary> {
    let sorted = sorted(&values);
    let median = median(&sorted);
    let ratio = reference.map(|reference| median / self::median(&self::sorted(reference)));
    Some(Summary {
        median,
        min: *sorted.first()?,
        max: *sorted.last()?,
        // Infinity is no number in JSON.
        ratio: ratio.filter(|ratio| ratio.is_finite()),
        rounds_agree: reference.is_none_or(|reference| rounds_agree(&values, reference)),
        values,
    })
}

/// Whether all rounds agree which of two is greater, or that they are the same, so
/// that it is not by chance.
fn rounds_agree(values: &[f64], others: &[f64]) -> bool {
    let mut orders = values.iter().zip(others).map(|(value, other)| value.total_cmp(other));
    let first = orders.next();
    orders.all(|order| Some(order) == first)
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
    use crate::figures::FIGURES;

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

    #[test]
    fn what_every_round_says_is_not_by_chance() {
        assert!(rounds_agree(&[1.0, 5.0], &[2.0, 6.0]));
        assert!(rounds_agree(&[3.0, 7.0], &[2.0, 6.0]));
        assert!(!rounds_agree(&[1.0, 7.0], &[2.0, 6.0]));
        assert!(!rounds_agree(&[2.0, 7.0], &[2.0, 6.0]));
        assert!(rounds_agree(&[2.0, 6.0], &[2.0, 6.0]));
    }

    /// Rounds of the first figure, each with what others had and one value of direct.
    fn report_of(rounds: &[(f64, f64)], wanted: usize) -> (bool, Vec<f64>) {
        let args = ["--rounds", &wanted.to_string(), "--peers", DIRECT].map(Into::into);
        let options = Options::parse(args).expect("good arguments").expect("not the usage");
        let mut results = Results::new(&options);
        for (others, value) in rounds {
            let measured = Measured::from(vec![Some(*value); FIGURES[0].columns.len()]);
            let peers = IndexMap::from([(DIRECT.to_owned(), measured)]);
            results.add(&FIGURES[0], Round { peers, others: *others });
        }
        let mut columns = results.figure(&FIGURES[0]).columns;
        let summary = columns[0].peers.swap_remove(DIRECT).flatten();
        (results.lacks(&FIGURES[0]), summary.expect("it was measured").values)
    }

    #[test]
    fn disturbed_rounds_count_only_if_there_are_no_better_ones() {
        // More is better in this figure.
        let rounds = [(0.0, 100.0), (0.5, 99.0), (0.01, 40.0), (0.3, 98.0), (0.01, 97.0)];
        assert_eq!(report_of(&rounds[..2], 2), (true, vec![100.0, 99.0]));
        assert_eq!(report_of(&rounds, 2), (false, vec![100.0, 97.0]));
        assert_eq!(report_of(&rounds[1..4], 2), (true, vec![40.0, 98.0]));
    }
}
