//! The commands: what `spiped` does when its first word is no option.

pub(crate) mod keygen;
pub(crate) mod newfile;
pub(crate) mod pair;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use log::LevelFilter;

use crate::cli::commands as words_of;
use crate::cli::{Program, Stop};
use crate::observe::{self, Format};
use crate::process::dumps;
use crate::process::secrets;

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
        Program::Spiped | Program::Spipe => return Err(Stop::Usage(None)),
    })
}
