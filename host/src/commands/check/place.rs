//! Where a setting was given: a place in a file, or an option.

use std::path::Path;

use crate::config::options::{OPTIONS, Opt};
use crate::config::{self, Origin};

/// Where settings came from.
#[derive(Debug)]
pub(super) struct Places {
    /// By origin.
    origin: Origin,
    /// Those in files.
    said: config::Places,
}

impl Places {
    /// The places in the files of `origin`, if there are any.
    pub(super) fn new(origin: Origin, said: config::Places) -> Self {
        Self { origin, said }
    }

    /// Where the setting `key` of this pipe, or of the process, was given.
    pub(super) fn of(&self, pipe: Option<&str>, key: &'static str) -> String {
        match &self.origin {
            Origin::CommandLine => option(key),
            Origin::File(words) => match self.said.of(pipe, key) {
                Some(place) => place.to_string(),
                None => words.path.display().to_string(),
            },
        }
    }

    /// The file of settings, if there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.origin {
            Origin::CommandLine => None,
            Origin::File(words) => Some(&words.path),
        }
    }
}

/// How a setting is called on the command line.
fn option(key: &str) -> String {
    let option = OPTIONS.iter().find(|option| option.file == Some(key));
    option.map(Opt::spelling).unwrap_or_default()
}
