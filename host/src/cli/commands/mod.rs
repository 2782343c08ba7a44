//! The command lines of the commands, without the words that name them.

mod live;
mod settings;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

pub use live::{
    DropWords, ListWords, LogLevelWords, ReloadWords, StatusWords, UpgradeWords, drop, list,
    log_level, reload, status, upgrade,
};
pub use settings::{CheckWords, ConvertWords, check, convert};

use super::settings::address;
use super::typed::{Typed, leftover, parse_with_files};
use super::{Stop, UsageFault, ValueFault};
use crate::commands::pair::code::{Code, CodeFault};
use crate::config::quantity::{PAIRING_TIME_LIMIT, seconds};
use crate::keys::file::KeyFile;
use crate::net::address::Address;

/// Reads what `keygen` is to make.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn keygen(words: impl IntoIterator<Item = OsString>) -> Result<PathBuf, Stop> {
    let mut file = None;
    parse_with_files(words, only_help, |word| take_one(&mut file, word))?;
    file.map(PathBuf::from).ok_or_else(|| UsageFault::MissingFile.into())
}

/// Reads whose fingerprints are wanted: at least one.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn fingerprint(words: impl IntoIterator<Item = OsString>) -> Result<Vec<KeyFile>, Stop> {
    let mut files = Vec::new();
    parse_with_files(words, only_help, |word| {
        let file = if word == "-" { KeyFile::Stdin } else { KeyFile::Path(word.into()) };
        if file == KeyFile::Stdin && files.contains(&file) {
            return Err(UsageFault::Repeated("-".into()).into());
        }
        files.push(file);
        Ok(())
    })?;
    if files.is_empty() { Err(UsageFault::MissingFile.into()) } else { Ok(files) }
}

/// What `pair` will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairSettings {
    /// How the other host is met.
    pub meeting: Meeting,
    /// What excludes a man in the middle; `None`: the user compares strings.
    pub code: Option<CodeSource>,
    /// For all of it.
    pub time_limit: Duration,
    /// The new key file.
    pub file: PathBuf,
}

/// How the other host is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// It connects to us here.
    Listen(Address),
    /// We connect to it there.
    Connect(Address),
}

/// Where the code comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeSource {
    /// The command line.
    Given(Code),
    /// The first line of standard input.
    Stdin,
    /// The system's generator; the user takes it to the other host.
    New,
}

/// Reads what `pair` is to do.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn pair(words: impl IntoIterator<Item = OsString>) -> Result<PairSettings, Stop> {
    let (mut listen, mut connect, mut code) = (None, None, None);
    let (mut new_code, mut time_limit, mut file) = (false, None, None);
    parse_with_files(
        words,
        |mut option| match option.name.as_str() {
            "--listen" => option.text(&mut listen),
            "--connect" => option.text(&mut connect),
            "--code" => option.text(&mut code),
            "--new-code" => option.flag(&mut new_code),
            "-o" => option.seconds(&mut time_limit),
            _ => only_help(option),
        },
        |word| take_one(&mut file, word),
    )?;
    let time_limit = match time_limit {
        Some(nan) if nan.is_nan() => {
            return Err(UsageFault::NotATime("-o".into(), nan.to_string()).into());
        }
        None | Some(0.0) => PAIRING_TIME_LIMIT,
        Some(time_limit) => seconds(time_limit),
    };
    let file = file.ok_or(UsageFault::MissingFile)?;
    let meeting = match (listen, connect) {
        (Some(text), None) => Meeting::Listen(address("--listen", &text, Address::parse)?),
        (None, Some(text)) => Meeting::Connect(address("--connect", &text, Address::parse)?),
        (Some(_), Some(_)) => {
            return Err(UsageFault::Conflict("--connect".into(), "--listen".into()).into());
        }
        (None, None) => return Err(UsageFault::Required("--listen or --connect".into()).into()),
    };
    let code = match (code, new_code, &meeting) {
        (None, false, _) => None,
        (Some(word), false, _) => Some(code_source(word)?),
        (None, true, Meeting::Listen(_)) => Some(CodeSource::New),
        (None, true, Meeting::Connect(_)) => return Err(UsageFault::NewCodeToConnect.into()),
        (Some(_), true, _) => {
            return Err(UsageFault::Conflict("--new-code".into(), "--code".into()).into());
        }
    };
    Ok(PairSettings { meeting, code, time_limit, file: file.into() })
}

fn code_source(word: OsString) -> Result<CodeSource, ValueFault> {
    if word == "-" {
        return Ok(CodeSource::Stdin);
    }
    let text = word.into_string().map_err(|_| CodeFault::NotAscii)?;
    Ok(CodeSource::Given(Code::new(&Zeroizing::new(text))?))
}

fn only_help(mut option: Typed<'_>) -> Result<(), Stop> {
    match option.name.as_str() {
        "--help" => option.question(Stop::Help),
        _ => Err(UsageFault::IllegalOption(option.name).into()),
    }
}

fn take_one(slot: &mut Option<OsString>, word: OsString) -> Result<(), Stop> {
    if slot.is_some() {
        return Err(leftover(&word));
    }
    *slot = Some(word);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn pairing_has_defaults() {
        let settings = pair(words("--listen [::1]:7 key")).unwrap();
        assert_eq!(
            settings,
            PairSettings {
                meeting: Meeting::Listen("[::1]:7".parse().unwrap()),
                code: None,
                time_limit: Duration::from_mins(5),
                file: "key".into(),
            }
        );
    }

    #[test]
    fn every_option_reaches_the_settings() {
        let settings = pair(words("key --connect host:7 -o 1.5 --code=a7-K2-xq9z")).unwrap();
        assert_eq!(settings.meeting, Meeting::Connect("host:7".parse().unwrap()));
        assert_eq!(settings.time_limit, Duration::from_millis(1500));
        assert!(
            matches!(settings.code, Some(CodeSource::Given(code)) if code.expose() == "a7k2xq9z")
        );
        let settings = pair(words("--connect host:7 --code - -- -key")).unwrap();
        assert_eq!(settings.code, Some(CodeSource::Stdin));
        assert_eq!(settings.file, PathBuf::from("-key"));
        let settings = pair(words("--listen host:7 --new-code key")).unwrap();
        assert_eq!(settings.code, Some(CodeSource::New));
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        for (line, fault) in [
            ("key", UsageFault::Required("--listen or --connect".into())),
            ("--listen a:1", UsageFault::MissingFile),
            (
                "--listen a:1 --connect a:1 key",
                UsageFault::Conflict("--connect".into(), "--listen".into()),
            ),
            ("--listen a:1 --listen a:1 key", UsageFault::Repeated("--listen".into())),
            ("--listen a:1 key other", UsageFault::Leftover("other".into())),
            ("--listen a:1 key -v", UsageFault::IllegalOption("-v".into())),
            ("key --listen", UsageFault::MissingValue("--listen".into())),
            ("--listen a:1 --new-code --new-code", UsageFault::Repeated("--new-code".into())),
            (
                "--listen a:1 --new-code --code - key",
                UsageFault::Conflict("--new-code".into(), "--code".into()),
            ),
            ("--connect a:1 --new-code key", UsageFault::NewCodeToConnect),
        ] {
            assert_eq!(pair(words(line)), Err(fault.into()), "{line}");
        }
        assert_eq!(keygen(words("")), Err(UsageFault::MissingFile.into()));
        assert_eq!(keygen(words("a b")), Err(UsageFault::Leftover("b".into()).into()));
        assert_eq!(fingerprint(words("")), Err(UsageFault::MissingFile.into()));
        assert_eq!(fingerprint(words("- a -")), Err(UsageFault::Repeated("-".into()).into()));
    }

    #[test]
    fn help_is_an_answer() {
        assert_eq!(keygen(words("--help")), Err(Stop::Help));
        assert_eq!(fingerprint(words("--help")), Err(Stop::Help));
        assert_eq!(pair(words("--help")), Err(Stop::Help));
    }

    #[test]
    fn weak_codes_are_refused_and_none_is_shown() {
        for (code, fault) in [
            ("12345", CodeFault::TooShort),
            ("password1", CodeFault::Common),
            ("\u{e9}", CodeFault::NotAscii),
        ] {
            let line = format!("--listen a:1 --code {code} key");
            assert_eq!(pair(words(&line)), Err(ValueFault::Code(fault).into()), "{code}");
        }
        let settings = pair(words("--listen a:1 --code kettle-7q! key")).unwrap();
        assert!(!format!("{settings:?}").contains("kettle"));
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }
}
