//! The command lines of those that ask a daemon that runs.

use std::ffi::OsString;
use std::path::PathBuf;

use log::LevelFilter;

use super::{only_help, take_one};
use crate::cli::typed::{Typed, leftover, parse_log_level, parse_with_files};
use crate::cli::{Stop, UsageFault};

/// What `status` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusWords {
    /// The daemon's control socket.
    pub control: PathBuf,
    /// Again and again.
    pub watch: bool,
    /// For programs.
    pub json: bool,
}

/// Reads what `status` is to show.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn status(words: impl IntoIterator<Item = OsString>) -> Result<StatusWords, Stop> {
    let (mut control, mut watch, mut json) = (None, false, false);
    let take = |mut option: Typed<'_>| match option.name.as_str() {
        "--control" => option.text(&mut control),
        "--watch" => option.flag(&mut watch),
        "--json" => option.flag(&mut json),
        _ => only_help(option),
    };
    parse_with_files(words, take, |word| Err(leftover(&word)))?;
    if watch && json {
        return Err(UsageFault::Conflict("--json".into(), "--watch".into()).into());
    }
    Ok(StatusWords { control: control_path(control), watch, json })
}

/// What `list` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListWords {
    /// The daemon's control socket.
    pub control: PathBuf,
    /// For programs.
    pub json: bool,
}

/// Reads what `list` is to show.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn list(words: impl IntoIterator<Item = OsString>) -> Result<ListWords, Stop> {
    let (mut control, mut json) = (None, false);
    let take = |mut option: Typed<'_>| match option.name.as_str() {
        "--control" => option.text(&mut control),
        "--json" => option.flag(&mut json),
        _ => only_help(option),
    };
    parse_with_files(words, take, |word| Err(leftover(&word)))?;
    Ok(ListWords { control: control_path(control), json })
}

/// What `drop` resets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropWords {
    /// The daemon's control socket.
    pub control: PathBuf,
    /// The number of a connection, or the name of a key.
    pub what: String,
}

/// Reads what `drop` is to reset.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn drop(words: impl IntoIterator<Item = OsString>) -> Result<DropWords, Stop> {
    let (mut control, mut what) = (None, None);
    let take = |option: Typed<'_>| only_control(option, &mut control);
    parse_with_files(words, take, |word| take_one(&mut what, word))?;
    let what = what.ok_or(UsageFault::MissingDrop)?.to_string_lossy().into_owned();
    Ok(DropWords { control: control_path(control), what })
}

/// What `reload` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadWords {
    /// The daemon's control socket.
    pub control: PathBuf,
    /// Only tell what would change.
    pub dry_run: bool,
}

/// Reads what `reload` is to ask for.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn reload(words: impl IntoIterator<Item = OsString>) -> Result<ReloadWords, Stop> {
    let (control, dry_run) = control_and("--dry-run", words)?;
    Ok(ReloadWords { control, dry_run })
}

/// What `upgrade` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeWords {
    /// The daemon's control socket.
    pub control: PathBuf,
    /// Only tell whether it would work.
    pub check: bool,
}

/// Reads what `upgrade` is to ask for.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn upgrade(words: impl IntoIterator<Item = OsString>) -> Result<UpgradeWords, Stop> {
    let (control, check) = control_and("--check", words)?;
    Ok(UpgradeWords { control, check })
}

/// What `log-level` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevelWords {
    /// The daemon's control socket.
    pub control: PathBuf,
    /// The new level; `None`: which it is.
    pub level: Option<LevelFilter>,
}

/// Reads what `log-level` is to ask for.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn log_level(words: impl IntoIterator<Item = OsString>) -> Result<LogLevelWords, Stop> {
    let (mut control, mut level) = (None, None);
    let take = |option: Typed<'_>| only_control(option, &mut control);
    parse_with_files(words, take, |word| take_one(&mut level, word))?;
    let level = level.map(|word| parse_log_level(&word.to_string_lossy())).transpose()?;
    Ok(LogLevelWords { control: control_path(control), level })
}

/// Reads where the control socket is, and whether there is this `flag`.
fn control_and(
    flag: &str,
    words: impl IntoIterator<Item = OsString>,
) -> Result<(PathBuf, bool), Stop> {
    let (mut control, mut given) = (None, false);
    let take = |mut option: Typed<'_>| {
        if option.name == flag {
            option.flag(&mut given)
        } else {
            only_control(option, &mut control)
        }
    };
    parse_with_files(words, take, |word| Err(leftover(&word)))?;
    Ok((control_path(control), given))
}

fn only_control(mut option: Typed<'_>, control: &mut Option<OsString>) -> Result<(), Stop> {
    match option.name.as_str() {
        "--control" => option.text(control),
        _ => only_help(option),
    }
}

/// Where the daemon's control socket is if nothing else is said, and where the
/// units put it.
fn control_path(given: Option<OsString>) -> PathBuf {
    given.map_or_else(|| CONTROL.into(), PathBuf::from)
}

const CONTROL: &str = "/run/spiped/control";
