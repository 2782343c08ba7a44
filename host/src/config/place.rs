//! Where in which file something was said, and what is wrong there.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::given::Given;
use super::options::Scope;

/// A place in a file, for a person: `FILE:LINE:COLUMN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// As it was found.
    pub(crate) file: Arc<PathBuf>,
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Something wrong with a file of settings, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {words}")]
pub(crate) struct Fault {
    /// Where.
    pub(crate) place: Place,
    /// What is wrong, and the remedy.
    pub(crate) words: String,
}

/// All that is wrong: at least one thing. A line for each.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) struct Faults {
    /// In the order of the files.
    pub(crate) faults: Vec<Fault>,
    /// How many more there are.
    pub(crate) left_out: usize,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{fault}")?;
        }
        match self.left_out {
            0 => Ok(()),
            more => write!(f, "\n{more} more faults"),
        }
    }
}

/// Where each setting was said: for what turns out to be wrong later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// By pipe; the process has none.
    said: BTreeMap<(Option<Arc<str>>, &'static str), Place>,
}

impl Places {
    /// Where `key`, such as `target`, was said for this pipe, or for the process
    /// if there is no pipe. What was left out is missing where the pipe begins.
    pub(crate) fn of(&self, pipe: Option<&str>, key: &'static str) -> Option<&Place> {
        let pipe = pipe.map(Arc::from);
        self.said.get(&(pipe.clone(), key)).or_else(|| self.said.get(&(pipe, "")))
    }

    /// Notes where each of these was said.
    pub(super) fn note_all(&mut self, pipe: Option<&Arc<str>>, given: &Given<Place>) {
        for said in given.iter() {
            let meant = pipe.is_some() != matches!(said.option.scope, Scope::Process | Scope::Log);
            if let Some(key) = said.option.file.filter(|_| meant) {
                self.note(pipe, key, said.place.clone());
            }
        }
    }

    /// Notes where `key` was said; the pipe itself without a key.
    pub(super) fn note(&mut self, pipe: Option<&Arc<str>>, key: &'static str, place: Place) {
        self.said.insert((pipe.cloned(), key), place);
    }
}
