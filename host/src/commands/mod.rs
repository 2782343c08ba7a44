//! What `spiped` does: with an option for its first word, it is the daemon ([`serve()`]);
//! otherwise, that word is a command.

pub(crate) mod check;
mod convert;
pub(crate) mod keygen;
pub(crate) mod live;
pub(crate) mod newfile;
pub(crate) mod pair;
mod serve;

pub use serve::serve;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::absolute;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use log::LevelFilter;

use crate::cli::commands as words_of;
use crate::cli::{Program, Stop, Wanted};
use crate::config::{FileWords, Parsed, Places};
use crate::observe::{self, Format};
use crate::process::dumps;
use crate::process::secrets;
use crate::process::text_files::read_settings;

/// The settings that these words lead to, and where each was said.
///
/// # Errors
/// A file that cannot be read, or all that is wrong with what it says.
pub(crate) fn load(words: &FileWords) -> Result<Parsed> {
    let path = absolute(&words.path).context("Cannot find the current directory")?;
    let words = FileWords { path, ..words.clone() };
    Ok(words.parse(&read_settings(&words.path)?)?)
}

/// The settings that the daemon was told, if need be out of a file.
///
/// # Errors
/// A file that cannot be read, or all that is wrong with what it says.
fn settings(wanted: Wanted) -> Result<Parsed> {
    match wanted {
        Wanted::Settings(settings) => Ok(Parsed { settings: *settings, places: Places::default() }),
        Wanted::File(words) => load(&words),
    }
}

/// Tells what kept the program from starting, before there is a log.
fn report(name: &str, error: &anyhow::Error) -> ExitCode {
    let mut err = io::stderr().lock();
    for line in format!("{error:#}").lines() {
        // Nobody is left to tell about a failed write.
        let _ = writeln!(err, "{name}: {}", observe::clean(line));
    }
    ExitCode::FAILURE
}

/// Reads the words after the command's, does it, and reports what went wrong.
/// `name` starts each diagnostic.
#[must_use]
pub fn run(command: Program, words: impl IntoIterator<Item = OsString>, name: &str) -> ExitCode {
    // Nobody else has to be served here, so lines are written at once.
    let _ = observe::install(name, LevelFilter::Warn, Format::Text);
    dumps::forbid();
    secrets::stop_inheritance();
    match parse_and_do(command, words) {
        Ok(result) => result.unwrap_or_else(|error| {
            log::error!("{error:#}");
            ExitCode::FAILURE
        }),
        Err(stop) => stop.report(command, name),
    }
}

fn parse_and_do(
    command: Program,
    words: impl IntoIterator<Item = OsString>,
) -> Result<Result<ExitCode>, Stop> {
    Ok(match command {
        Program::Keygen => keygen::keygen(&words_of::keygen(words)?),
        Program::Fingerprint => keygen::fingerprint(&words_of::fingerprint(words)?),
        Program::Pair => pair::pair(words_of::pair(words)?),
        Program::Check => check::check(words_of::check(words)?),
        Program::Convert => convert::convert(words_of::convert(words)?),
        Program::Status => live::status(&words_of::status(words)?),
        Program::List => live::list(&words_of::list(words)?),
        Program::Drop => live::drop(&words_of::drop(words)?),
        Program::Reload => live::reload(&words_of::reload(words)?),
        Program::Upgrade => live::upgrade(&words_of::upgrade(words)?),
        Program::LogLevel => live::log_level(&words_of::log_level(words)?),
        Program::Spiped | Program::Spipe => return Err(Stop::Usage(None)),
    })
}
