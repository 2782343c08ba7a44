//! The command lines of those that look at settings: `check` and `convert`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::take_one;
use crate::cli::args::Args;
use crate::cli::typed::{Typed, parse_with_files};
use crate::cli::{Program, Stop, UsageFault, Wanted};
use crate::config::FileWords;
use crate::config::options::Key;

/// What `check` looks at.
#[derive(Debug, PartialEq, Eq)]
pub struct CheckWords {
    /// The settings.
    pub what: Wanted,
    /// Also make a connection to each peer.
    pub peer: bool,
    /// Warnings are errors.
    pub strict: bool,
    /// For programs.
    pub json: bool,
}

/// Reads what `check` is to look at: a file, or the options of `spiped`.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn check(words: impl IntoIterator<Item = OsString>) -> Result<CheckWords, Stop> {
    let (mut args, mut file) = (Args::new(Program::Spiped), None);
    let (mut peer, mut json) = (false, false);
    let mut option_seen = None;
    let take = |mut option: Typed<'_>| match option.name.as_str() {
        "--peer" => option.flag(&mut peer),
        "--json" => option.flag(&mut json),
        "--strict" => args.take(option),
        name => {
            option_seen.get_or_insert_with(|| name.to_owned());
            args.take(option)
        }
    };
    parse_with_files(words, take, |word| take_one(&mut file, word))?;
    let strict = args.given.get(Key::Strict).is_some();
    let what = match (file, option_seen) {
        (Some(_), Some(option)) => return Err(UsageFault::FileAndOptions(option).into()),
        (Some(file), None) => {
            Wanted::File(FileWords { path: file.into(), foreground: false, pid_file: None })
        }
        (None, None) => return Err(UsageFault::NothingToCheck.into()),
        (None, Some(_)) => crate::cli::settings::spiped(args)?,
    };
    Ok(CheckWords { what, peer, strict, json })
}

/// What `convert` makes a file of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConvertWords {
    /// The options of `spiped`.
    Options(Vec<OsString>),
    /// A unit, or the variables of one.
    File(PathBuf),
}

/// Reads what `convert` is to make a file of.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn convert(words: impl IntoIterator<Item = OsString>) -> Result<ConvertWords, Stop> {
    let mut words: Vec<_> = words.into_iter().collect();
    let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    match &words[..] {
        [] => return Err(Stop::Usage(None)),
        [word] if word == "--help" => return Err(Stop::Help),
        [file] if !is_option(file) => return Ok(ConvertWords::File(file.into())),
        [first, ..] if first == "--" => {
            words.remove(0);
        }
        _ => {}
    }
    // As it was copied, with the name of the program.
    if words.first().is_some_and(|word| !is_option(word)) {
        words.remove(0);
    }
    Ok(ConvertWords::Options(words))
}
