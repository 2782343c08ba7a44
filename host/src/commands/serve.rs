//! What `spiped` does when its first word is an option: the daemon, from its
//! command line to its end.

use std::ffi::OsString;
use std::process::ExitCode;

use super::{report, settings};
use crate::cli::{self, Program};
use crate::daemon::gather::Faults;
use crate::daemon::startup;
use crate::daemon::successor::{Predecessor, Unheard};
use crate::handover::channel::ChannelError;
use crate::handover::edition::Edition;
use crate::observe;

/// Runs this edition of the daemon with these words, its own name left out, to its
/// end. `name` starts each diagnostic.
#[must_use]
pub fn serve(words: impl IntoIterator<Item = OsString>, name: &str, edition: &Edition) -> ExitCode {
    let mut predecessor = match Predecessor::from_environment(edition) {
        Ok(predecessor) => predecessor,
        Err(error) => return report(name, &error.into()),
    };
    if let Some(predecessor) = &mut predecessor {
        match predecessor.hear() {
            Ok(()) => {}
            // Whoever has started this has thought better of it.
            Err(Unheard::Channel(ChannelError::Gone)) => return ExitCode::FAILURE,
            Err(error) => {
                let _ = predecessor.refuse(vec![error.to_string()]);
                return report(name, &error.into());
            }
        }
    }
    let wanted = match (cli::spiped(words), &predecessor) {
        (Ok(wanted), _) => wanted,
        (Err(stop), None) => return stop.report(Program::Spiped, name),
        (Err(stop), Some(predecessor)) => return predecessor.refuse(vec![stop.to_string()]),
    };
    let parsed = match (settings(wanted), &predecessor) {
        (Ok(parsed), _) => parsed,
        (Err(error), None) => return report(name, &error),
        (Err(error), Some(predecessor)) => {
            let lines = format!("{error:#}").lines().map(ToOwned::to_owned).collect();
            return predecessor.refuse(lines);
        }
    };
    let process = &parsed.settings.process;
    let log = observe::install(name, process.log_level, process.log_format);
    if predecessor.is_some() {
        log.hold();
    }
    let code = startup::spiped(&parsed, log, edition, &mut predecessor).unwrap_or_else(|error| {
        let lines = match error.downcast::<Faults>() {
            Ok(Faults(lines)) => lines,
            Err(error) => vec![format!("{error:#}")],
        };
        match predecessor {
            None => {
                for line in lines {
                    log::error!("{line}");
                }
                ExitCode::FAILURE
            }
            // It is the one to say so.
            Some(predecessor) => predecessor.refuse(lines),
        }
    });
    log.finish();
    code
}
