//! Everything measured, and what is made of it.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::figures::{Figure, Measured, Values};
use crate::machine::Machine;
use crate::options::Options;
use crate::peers::{Entrant, reference};
use crate::report::{ColumnReport, FigureReport, PeerReport, Report, Summary};

/// All values of a run.
pub(crate) struct Results<'a> {
    options: &'a Options,
    /// By figure and peer.
    cells: IndexMap<(&'static str, &'a str), Cell>,
}

/// What is known about a figure of a peer.
#[derive(Default)]
struct Cell {
    rounds: Vec<Values>,
    notes: BTreeSet<String>,
}

impl<'a> Results<'a> {
    /// None yet.
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options, cells: IndexMap::new() }
    }

    /// Adds a round of a figure of a peer.
    pub(crate) fn add(&mut self, figure: &Figure, peer: &'a Entrant, measured: Measured) {
        let cell = self.cells.entry((figure.id, &peer.id)).or_default();
        cell.rounds.push(measured.values);
        cell.notes.extend(measured.note);
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

    fn figure(&self, figure: &Figure) -> FigureReport {
        let columns = figure.columns.iter().enumerate().map(|(index, column)| {
            let peers = self.options.peers.iter();
            let peers =
                peers.map(|peer| (peer.id.clone(), self.summary(figure, &peer.id, index)));
            let report = ColumnReport {
                title: column.title.to_owned(),
                better: column.better,
                peers: peers.collect(),
            };
            (column.id.to_owned(), report)
        });
        let notes = self.options.peers.iter().filter_map(|peer| {
            let notes = &self.cells.get(&(figure.id, peer.id.as_str()))?.notes;
            let notes: Vec<_> = notes.iter().map(String::as_str).collect();
            (!notes.is_empty()).then(|| (peer.id.clone(), notes.join("; ")))
        });
        FigureReport {
            title: figure.title.to_owned(),
            columns: columns.collect(),
            notes: notes.collect(),
        }
    }

    /// One column of one peer; nothing if it does not apply to the peer.
    fn summary(&self, figure: &Figure, peer: &str, column: usize) -> Option<Summary> {
        let values = self.values(figure, peer, column)?;
        let reference = reference(self.options.peers.iter().map(|peer| peer.id.as_str()));
        let reference = reference.and_then(|id| self.values(figure, id, column));
        let sorted = sorted(&values);
        let median = median(&sorted);
        let ratio = reference.map(|reference| median / self::median(&self::sorted(&reference)));
        Some(Summary {
            median,
            min: *sorted.first()?,
            max: *sorted.last()?,
            // Infinity is no number in JSON.
            ratio: ratio.filter(|ratio| ratio.is_finite()),
            values,
        })
    }

    fn values(&self, figure: &Figure, peer: &str, column: usize) -> Option<Vec<f64>> {
        let rounds = &self.cells.get(&(figure.id, peer))?.rounds;
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
