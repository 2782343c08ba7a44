//! The command lines of `spiped keygen`, `spiped fingerprint` and
//! `spiped pair`, without these words.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use super::args::{Typed, leftover, parse_with_files};
use super::number::parse_float;
use super::plan::address;
use super::quantity::{PAIRING_TIME_LIMIT, duration};
use super::{Stop, UsageFault, ValueFault};
use crate::addr::Address;
use crate::keyfile::KeyFile;

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
pub struct PairPlan {
    /// How the other host is met.
    pub meeting: Meeting,
    /// What excludes somebody between, unless the user compares strings.
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

/// Where the code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeSource {
    /// On the command line.
    Given(Code),
    /// The first line of standard input.
    Stdin,
}

/// A code of an acceptable length. Wiped on drop, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// Checks the length, as the component will; white space at the ends does
    /// not count.
    ///
    /// # Errors
    /// [`ValueFault::Code`].
    pub fn new(text: Zeroizing<String>) -> Result<Self, ValueFault> {
        let code = text.trim();
        if code.chars().count() < CODE_CHARS_MIN || code.len() > CODE_LEN_MAX {
            return Err(ValueFault::Code);
        }
        Ok(Self(text))
    }

    /// The text, for the exchange.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// The least that an attacker who has one guess cannot hope to guess.
const CODE_CHARS_MIN: usize = 6;
const CODE_LEN_MAX: usize = 1024;

/// Reads what `pair` is to do.
///
/// # Errors
/// [`Stop`] when there is nothing to do.
pub fn pair(words: impl IntoIterator<Item = OsString>) -> Result<PairPlan, Stop> {
    let (mut listen, mut connect, mut code) = (None, None, None);
    let (mut time_limit, mut file) = (None, None);
    parse_with_files(
        words,
        |mut option| match option.name.as_str() {
            "--listen" => option.text(&mut listen),
            "--connect" => option.text(&mut connect),
            "--code" => option.text(&mut code),
            "-o" => option.number(&mut time_limit, parse_float),
            _ => only_help(option),
        },
        |word| take_one(&mut file, word),
    )?;
    let time_limit = duration("-o", time_limit, PAIRING_TIME_LIMIT)?;
    let file = file.ok_or(UsageFault::MissingFile)?;
    let meeting = match (listen, connect) {
        (Some(text), None) => Meeting::Listen(address("--listen", &text, Address::parse)?),
        (None, Some(text)) => Meeting::Connect(address("--connect", &text, Address::parse)?),
        (Some(_), Some(_)) => return Err(UsageFault::Conflict("--connect".into()).into()),
        (None, None) => return Err(UsageFault::Required("--listen or --connect").into()),
    };
    let code = code.map(code_source).transpose()?;
    Ok(PairPlan { meeting, code, time_limit, file: file.into() })
}

fn code_source(word: OsString) -> Result<CodeSource, ValueFault> {
    if word == "-" {
        return Ok(CodeSource::Stdin);
    }
    let text = word.into_string().map_err(|_| ValueFault::Code)?;
    Code::new(Zeroizing::new(text)).map(CodeSource::Given)
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
        let plan = pair(words("--listen [::1]:7 key")).unwrap();
        assert_eq!(
            plan,
            PairPlan {
                meeting: Meeting::Listen("[::1]:7".parse().unwrap()),
                code: None,
                time_limit: Duration::from_mins(5),
                file: "key".into(),
            }
        );
    }

    #[test]
    fn every_option_reaches_the_plan() {
        let plan = pair(words("key --connect host:7 -o 1.5 --code=123456")).unwrap();
        assert_eq!(plan.meeting, Meeting::Connect("host:7".parse().unwrap()));
        assert_eq!(plan.time_limit, Duration::from_millis(1500));
        assert!(matches!(plan.code, Some(CodeSource::Given(code)) if code.expose() == "123456"));
        let plan = pair(words("--connect host:7 --code - -- -key")).unwrap();
        assert_eq!(plan.code, Some(CodeSource::Stdin));
        assert_eq!(plan.file, PathBuf::from("-key"));
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        for (line, fault) in [
            ("key", UsageFault::Required("--listen or --connect")),
            ("--listen a:1", UsageFault::MissingFile),
            ("--listen a:1 --connect a:1 key", UsageFault::Conflict("--connect".into())),
            ("--listen a:1 --listen a:1 key", UsageFault::Repeated("--listen".into())),
            ("--listen a:1 key other", UsageFault::Leftover("other".into())),
            ("--listen a:1 key -v", UsageFault::IllegalOption("-v".into())),
            ("key --listen", UsageFault::MissingValue("--listen".into())),
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
    fn short_codes_are_refused_and_none_is_shown() {
        let code = |text: &str| Code::new(Zeroizing::new(text.into()));
        for text in ["", "12345", " 12345 ", &"x".repeat(1025)] {
            assert_eq!(code(text), Err(ValueFault::Code), "{text}");
        }
        let plan = pair(words("--listen a:1 --code secret! key")).unwrap();
        assert!(!format!("{plan:?}").contains("secret!"));
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }
}
