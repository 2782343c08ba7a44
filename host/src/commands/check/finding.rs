//! What a check finds: one thing, how bad it is, and where it was said.

use std::fmt::{self, Display};
use std::sync::Arc;

use serde::Serialize;

use super::place::Places;
use crate::observe::clean;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// The daemon would not start, or the pipe cannot work.
    Error,
    /// It may be meant so, or may be otherwise later.
    Warning,
    /// Nothing is wrong: something worth knowing.
    Note,
}

impl Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// How bad it is.
    pub(super) severity: Severity,
    /// Where the setting it is about was given.
    pub(super) place: String,
    /// The pipe it is about, if it has a name and there can be others.
    pub(super) pipe: Option<String>,
    /// What it is, and what to do.
    pub(super) words: String,
}

/// What is found about one pipe, or about the process.
pub(super) struct Findings {
    places: Arc<Places>,
    pipe: Option<Arc<str>>,
    found: Vec<Finding>,
}

impl Findings {
    /// Nothing yet, about this pipe or, without one, about the process.
    pub(super) fn new(places: &Arc<Places>, pipe: Option<&Arc<str>>) -> Self {
        Self { places: places.clone(), pipe: pipe.cloned(), found: Vec::new() }
    }

    /// Takes down what is wrong with the setting `key`.
    pub(super) fn error(&mut self, key: &'static str, words: impl Display) {
        self.add(Severity::Error, key, words);
    }

    /// Takes down what may be wrong with the setting `key`.
    pub(super) fn warning(&mut self, key: &'static str, words: impl Display) {
        self.add(Severity::Warning, key, words);
    }

    /// Takes down what is worth knowing about the setting `key`.
    pub(super) fn note(&mut self, key: &'static str, words: impl Display) {
        self.add(Severity::Note, key, words);
    }

    /// Takes down something about the setting `key`.
    pub(super) fn add(&mut self, severity: Severity, key: &'static str, words: impl Display) {
        let place = self.places.of(self.pipe.as_deref(), key);
        let pipe = self.pipe.as_deref().filter(|_| self.places.file().is_some()).map(str::to_owned);
        let words = clean(&words.to_string());
        self.found.push(Finding { severity, place, pipe, words });
    }

    /// All of it.
    pub(super) fn into_found(self) -> Vec<Finding> {
        self.found
    }
}
