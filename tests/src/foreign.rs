//! Programs around the component in hosts that are not ours.

use std::ffi::OsString;
use std::path::Path;

use crate::Mode;

/// A host, and how its programs are started. They take the options of ours.
///
/// A word of a command that has a slash in it is a path in the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The command that does what `spipe` does; empty if there is none.
    pub spipe: &'static [&'static str],
    /// The command that does what `spiped -d -F` does, with these words of it if
    /// it wants them; empty if there is none.
    pub server: &'static [&'static str],
    /// The same of `spiped -e -F`.
    pub encrypt: &'static [&'static str],
    /// The reasons that its programs put in words of their own; they name all
    /// others as the WIT does.
    pub reasons: &'static [(&'static str, &'static str)],
    /// What lets its server take hundreds of connections, if it does not without.
    pub many: &'static [&'static str],
    /// Whether it can reset a connection.
    pub resets: bool,
    /// How many bytes it carries each way in about a second.
    pub bulk: u64,
}

impl Foreign {
    /// The words of a command that runs a program.
    ///
    /// # Panics
    /// If the host has none.
    pub(crate) fn words(&self, part: Part) -> Vec<OsString> {
        let words = match part {
            Part::Spipe => self.spipe,
            Part::Spiped(Mode::Decrypt) => self.server,
            Part::Spiped(Mode::Encrypt) => self.encrypt,
        };
        assert!(!words.is_empty(), "no {part:?} in this host");
        words.iter().map(|word| absolute(word)).collect()
    }
}

/// Which of the programs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Spipe,
    Spiped(Mode),
}

/// The word of a command, with the project's path before a path.
pub fn absolute(word: &str) -> OsString {
    if !word.contains('/') {
        return word.into();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project").join(word);
    assert!(path.exists(), "{} is missing: build it, or run the host's setup.sh", path.display());
    path.into()
}
