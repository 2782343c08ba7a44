//! The results of a run, as they are written to and read from JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::figures::Better;
use crate::machine::Machine;
use crate::noise::Noise;

/// All of them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    /// What it ran on.
    pub(crate) machine: Machine,
    /// How often everything was measured.
    pub(crate) rounds: usize,
    /// The peers by id.
    pub(crate) peers: IndexMap<String, PeerReport>,
    /// The figures by id.
    pub(crate) figures: IndexMap<String, FigureReport>,
}

/// Who took part.
#[derive(Serialize, Deserialize)]
pub(crate) struct PeerReport {
    /// What to call it.
    pub(crate) name: String,
    /// What its program calls itself, and how it is set up; nothing if there is no
    /// program.
    pub(crate) version: Option<String>,
}

/// One figure of all peers.
#[derive(Serialize, Deserialize)]
pub(crate) struct FigureReport {
    /// Its heading.
    pub(crate) title: String,
    /// Its numbers by id.
    pub(crate) columns: IndexMap<String, ColumnReport>,
    /// What there is to say about peers, by their ids.
    pub(crate) notes: IndexMap<String, String>,
    /// What disturbed each round that counts.
    pub(crate) noises: Vec<Noise>,
}

/// One number of all peers.
#[derive(Serialize, Deserialize)]
pub(crate) struct ColumnReport {
    /// Its heading, with the unit.
    pub(crate) title: String,
    /// Which way is up.
    pub(crate) better: Better,
    /// By the ids of the peers; nothing where it does not apply.
    pub(crate) peers: IndexMap<String, Option<Summary>>,
}

/// The values of one column of one peer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Summary {
    /// The middle one.
    pub(crate) median: f64,
    /// The least.
    pub(crate) min: f64,
    /// The greatest.
    pub(crate) max: f64,
    /// The median divided by the reference's.
    pub(crate) ratio: Option<f64>,
    /// Whether all rounds agree on which side of the reference it is.
    pub(crate) rounds_agree: bool,
    /// All of them, in the order of the rounds.
    pub(crate) values: Vec<f64>,
}

impl Report {
    /// The one in a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Puts it into a file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(self)? + "\n";
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// One number of all peers, if it was measured.
    pub(crate) fn column(&self, figure: &str, column: &str) -> Option<&ColumnReport> {
        self.figures.get(figure)?.columns.get(column)
    }

    /// One number of one peer, if there is one.
    pub(crate) fn median(&self, figure: &str, column: &str, peer: &str) -> Option<f64> {
        Some(self.column(figure, column)?.summary(peer)?.median)
    }
}

impl ColumnReport {
    /// Of one peer, if it applies to it.
    pub(crate) fn summary(&self, peer: &str) -> Option<&Summary> {
        self.peers.get(peer)?.as_ref()
    }
}
