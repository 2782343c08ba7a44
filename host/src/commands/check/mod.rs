//! `spiped check`: everything that can be known about settings without serving,
//! all faults at once, each with its place and a remedy.
//!
//! Nothing is changed: no file is made or removed, nothing listens, and a daemon
//! that runs notices nothing but, perhaps, a connection.

mod finding;
mod holder;
mod keys;
mod peer;
mod pipe;
mod place;
mod process;
mod reach;
mod report;
mod room;
mod running;
mod sources;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use finding::{Finding, Findings, Severity};
use place::Places;
use report::{Report, shows_colours};
use running::Running;

use crate::cli::Wanted;
use crate::cli::commands::CheckWords;
use crate::config::{self, Fault, Faults, FileWords, Origin, Parsed, PipeSettings, Settings};
use crate::net::address::Address;
use crate::net::look_ups::{Found, look_up_all};
use crate::net::resolve::{Endpoint, ResolveError};
use crate::observe::clean;
use crate::process::text_files::{self, read_settings};

/// Runs `spiped check`.
///
/// # Errors
/// When what was found cannot be told.
pub(crate) fn check(words: CheckWords) -> Result<ExitCode> {
    let CheckWords { what, peer, strict, json } = words;
    // The sandbox does not let anybody ask later.
    let coloured = shows_colours();
    let report = match what {
        Wanted::Settings(settings) => examine(&settings, config::Places::default(), peer)?,
        Wanted::File(words) => match read(&words) {
            Ok(Parsed { settings, places }) => examine(&settings, places, peer)?,
            Err(faults) => Report::new(None, faults),
        },
    };
    let printed = if json { report.print_json() } else { report.print(coloured) };
    printed?;
    Ok(if report.is_good(strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The settings in the files, or all that is wrong with them.
fn read(words: &FileWords) -> Result<Parsed, Vec<Finding>> {
    let fault = |place: String, words: String| Finding {
        severity: Severity::Error,
        place,
        pipe: None,
        words,
    };
    let files = read_settings(&words.path).map_err(|error| {
        vec![fault(words.path.display().to_string(), clean(&error.to_string()))]
    })?;
    words.parse(&files).map_err(|Faults { faults, left_out }| {
        let found =
            faults.into_iter().map(|Fault { place, words }| fault(place.to_string(), words));
        let more = (left_out > 0)
            .then(|| fault(words.path.display().to_string(), format!("{left_out} more faults")));
        found.chain(more).collect()
    })
}

fn examine(settings: &Settings, places: config::Places, peer: bool) -> Result<Report> {
    let places = Arc::new(Places::new(settings.origin.clone(), places));
    let addresses: Vec<_> = addresses(settings).cloned().collect();
    let names = look_up_all(&addresses, LOOK_UPS_LIMIT);
    let running = Running::find(settings);
    let mut process = Findings::new(&places, None);
    if let Origin::File(words) = &settings.origin {
        for doubt in text_files::doubts(&words.path) {
            process.warning("config", doubt);
        }
    }
    let user = process::check(&settings.process, &names, &running, &mut process);
    let mut pipes = pipe::check_all(settings, &names, &running, user, &places);
    room::check(settings, &mut process, &mut pipes);
    let pipes = reach::check_all(&settings.pipes, pipes, peer)?;
    let found = process.into_found().into_iter();
    let found = found.chain(pipes.into_iter().flat_map(Findings::into_found)).collect();
    Ok(Report::new(Some(settings.pipes.len()), found))
}

/// What one of the addresses stands for that were looked up.
fn endpoints_of<'a>(
    address: &Address,
    names: &'a Found,
) -> Result<&'a [Endpoint], &'a ResolveError> {
    names.get(address).map_or(Ok(&[]), |found| found.as_deref())
}

/// How long many names may take together.
const LOOK_UPS_LIMIT: Duration = Duration::from_secs(10);

/// All addresses there are.
fn addresses(settings: &Settings) -> impl Iterator<Item = &Address> {
    let of_pipes = settings.pipes.iter().flat_map(addresses_of);
    settings.process.metrics.iter().chain(of_pipes)
}

fn addresses_of(pipe: &PipeSettings) -> impl Iterator<Item = &Address> {
    let PipeSettings { sources, connection, .. } = pipe;
    sources.iter().chain(&connection.targets).chain(&connection.bind)
}
