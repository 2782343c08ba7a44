//! The daemon that runs with the very settings that are checked: what it has,
//! nobody else has taken.

use std::path::{Path, PathBuf};

use super::holder::{Holder, namesakes};
use crate::cli::{self, Wanted};
use crate::config::{Origin, Settings};

/// What the daemon with these settings would be known by.
pub(super) struct Running<'a> {
    settings: &'a Settings,
    /// Those that are called like us, and seem to have these settings.
    seen: Vec<Holder>,
}

impl<'a> Running<'a> {
    /// Looks for it.
    pub(super) fn find(settings: &'a Settings) -> Self {
        let mut running = Self { settings, seen: Vec::new() };
        running.seen = namesakes().into_iter().filter(|it| running.is(it)).collect();
        running
    }

    /// It, if it is one of these, or may be the one that we are not told of.
    pub(super) fn among<'b>(&'b self, holders: &'b [Holder]) -> Option<&'b Holder> {
        if holders.is_empty() {
            return self.seen.first();
        }
        holders.iter().find(|holder| self.is(holder))
    }

    fn is(&self, holder: &Holder) -> bool {
        let Some((words, directory)) = holder.words() else {
            return false;
        };
        match (cli::spiped(words), &self.settings.origin) {
            (Ok(Wanted::File(theirs)), Origin::File(ours)) => {
                let real = |path: PathBuf| path.canonicalize().ok();
                real(directory.join(theirs.path)).is_some_and(|theirs| {
                    real(Path::new(".").join(&ours.path)).is_some_and(|ours| ours == theirs)
                })
            }
            (Ok(Wanted::Settings(theirs)), Origin::CommandLine) => {
                let ours = &self.settings.pipes;
                theirs.pipes.iter().zip(ours).all(|(theirs, ours)| {
                    theirs.sources == ours.sources
                        && theirs.connection.config.side() == ours.connection.config.side()
                })
            }
            _ => false,
        }
    }
}
