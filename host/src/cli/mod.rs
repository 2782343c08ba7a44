//! The command line: what was typed (`args`), the settings that it makes
//! (`settings`), and the texts ([`help`]).

mod args;
pub mod commands;
pub mod help;
mod settings;
mod typed;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use thiserror::Error;

use crate::cli::args::Args;
use crate::commands::pair::code::CodeFault;
use crate::config::number::NumberFault;
use crate::config::options::{Opt, Scope};
use crate::config::{FileWords, Settings, SpipeSettings};
use crate::net::address::{Address, AddressError};
use crate::process::privileges::PrivilegeError;

/// Reads the command line of `spiped`, its own name left out.
///
/// # Errors
///
/// [`Stop`] when there is nothing to run: a question answered, or a mistake.
pub fn spiped(words: impl IntoIterator<Item = OsString>) -> Result<Wanted, Stop> {
    let mut words = words.into_iter().peekable();
    if let Some(word) = words.peek()
        && !word.is_empty()
        && !word.as_encoded_bytes().starts_with(b"-")
    {
        return Err(UsageFault::NoSuchCommand(word.to_string_lossy().into_owned()).into());
    }
    settings::spiped(Args::parse(Program::Spiped, words)?)
}

/// What the daemon was told.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Settings(Box<Settings>),
    /// Where the rest is.
    File(FileWords),
}

/// Reads the command line of `spipe`, its own name left out.
///
/// # Errors
///
/// [`Stop`] when there is nothing to run: a question answered, or a mistake.
pub fn spipe(words: impl IntoIterator<Item = OsString>) -> Result<SpipeSettings, Stop> {
    settings::spipe(&Args::parse(Program::Spipe, words)?)
}

/// The commands, by the word that stands for them.
const COMMANDS: [(&str, Program); 11] = [
    ("keygen", Program::Keygen),
    ("fingerprint", Program::Fingerprint),
    ("pair", Program::Pair),
    ("check", Program::Check),
    ("convert", Program::Convert),
    ("status", Program::Status),
    ("list", Program::List),
    ("drop", Program::Drop),
    ("reload", Program::Reload),
    ("upgrade", Program::Upgrade),
    ("log-level", Program::LogLevel),
];

/// Which of the two programs, or of the daemon's commands, is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The daemon.
    Spiped,
    /// One connection between standard input and output and a target.
    Spipe,
    /// `spiped keygen`.
    Keygen,
    /// `spiped fingerprint`.
    Fingerprint,
    /// `spiped pair`.
    Pair,
    /// `spiped check`.
    Check,
    /// `spiped convert`.
    Convert,
    /// `spiped status`.
    Status,
    /// `spiped list`.
    List,
    /// `spiped drop`.
    Drop,
    /// `spiped reload`.
    Reload,
    /// `spiped upgrade`.
    Upgrade,
    /// `spiped log-level`.
    LogLevel,
}

impl Program {
    /// Its proper name, whatever the file is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spipe => "spipe",
            Self::Spiped
            | Self::Keygen
            | Self::Fingerprint
            | Self::Pair
            | Self::Check
            | Self::Convert
            | Self::Status
            | Self::List
            | Self::Drop
            | Self::Reload
            | Self::Upgrade
            | Self::LogLevel => "spiped",
        }
    }

    /// The command that the first word of `spiped`'s command line names.
    #[must_use]
    pub fn command(word: &OsStr) -> Option<Self> {
        COMMANDS.iter().find_map(|&(name, command)| (word == name).then_some(command))
    }

    /// Whether it has this option.
    fn has(self, option: &Opt) -> bool {
        if self == Self::Spipe { option.spipe } else { option.scope != Scope::Spipe }
    }

    /// What diagnostics start with: the last part of the name it was started
    /// by.
    #[must_use]
    pub fn invoked_as(self, argv0: Option<&OsStr>) -> String {
        argv0
            .and_then(|name| Path::new(name).file_name())
            .map_or_else(|| self.name().to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

/// Why the command line leads to no run.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// `-v`, on standard error as ever.
    Version,
    /// `--version`, on standard output.
    LongVersion,
    /// `--help`.
    Help,
    /// Options that make no sense together: a line, then the usage text.
    Usage(Option<UsageFault>),
    /// A value that makes no sense: a line.
    Value(ValueFault),
}

impl Stop {
    /// Tells the user and says how the program ends. `invoked_as` starts each
    /// diagnostic.
    #[must_use]
    pub fn report(&self, program: Program, invoked_as: &str) -> ExitCode {
        let usage = help::usage(program);
        let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
        // Nobody is left to tell about a failed write.
        let written = match self {
            Self::Version => writeln!(err, "{}", help::short_version(program)),
            Self::LongVersion => writeln!(out, "{}", help::version(program)),
            Self::Help => out.write_all(help::help(program).as_bytes()),
            Self::Usage(None) => err.write_all(usage.as_bytes()),
            Self::Usage(Some(fault)) => write!(err, "{invoked_as}: {fault}\n{usage}"),
            Self::Value(fault) => writeln!(err, "{invoked_as}: {fault}"),
        };
        match (self, written) {
            (Self::Version | Self::LongVersion | Self::Help, Ok(())) => ExitCode::SUCCESS,
            (Self::Usage(_) | Self::Value(_), _) | (_, Err(_)) => ExitCode::FAILURE,
        }
    }
}

/// In one line, for those who did not run the command line themselves.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version | Self::LongVersion | Self::Help => {
                f.write_str("It prints help or a version and runs no pipe")
            }
            Self::Usage(None) => f.write_str("It has no options of spiped"),
            Self::Usage(Some(fault)) => fault.fmt(f),
            Self::Value(fault) => fault.fmt(f),
        }
    }
}

impl From<UsageFault> for Stop {
    fn from(fault: UsageFault) -> Self {
        Self::Usage(Some(fault))
    }
}

impl From<ValueFault> for Stop {
    fn from(fault: ValueFault) -> Self {
        Self::Value(fault)
    }
}

/// A mistake that the usage text explains.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UsageFault {
    /// No such option, or a value for one that takes none.
    #[error("illegal option -- {0}{see}", see = if .0 == "-h" { " (see --help)" } else { "" })]
    IllegalOption(String),
    /// An option at the end that needs a value.
    #[error("Missing argument to {0}")]
    MissingValue(String),
    /// Every option counts once only.
    #[error("Option given more than once: {0}")]
    Repeated(String),
    /// An option, and an earlier one that says the opposite.
    #[error("{0} contradicts {1}: leave out one of them")]
    Conflict(String, String),
    /// It means nothing with `-e`.
    #[error("{0} is only for -d")]
    OnlyDecrypt(String),
    /// `-f` and `--kex x25519`.
    #[error("-f contradicts --kex x25519, which has forward secrecy: leave out one of them")]
    OmitWithX25519,
    /// `--new-code` and `--connect`.
    #[error("--new-code contradicts --connect: the host with --listen makes the code")]
    NewCodeToConnect,
    /// About the file of a Unix socket, where there is none.
    #[error("{0} is only for a source that is the path of a Unix socket")]
    NotUnix(String),
    /// `--config` and what belongs into the file.
    #[error("Only -F and -p can be given with --config: {0} belongs in the file")]
    NotWithConfig(String),
    /// An option nothing works without.
    #[error("Missing option: {0}")]
    Required(String),
    /// A word that belongs to no option.
    #[error("Not an option: {0}")]
    Leftover(String),
    /// A first word that is neither an option nor a command.
    #[error("No such command: {0}. Commands: {commands}", commands = COMMANDS.map(|it| it.0).join(", "))]
    NoSuchCommand(String),
    /// `check` of nothing.
    #[error("Missing settings file or options (for example: spiped check /etc/spiped/spiped.toml)")]
    NothingToCheck,
    /// A command without the file it is about.
    #[error("Missing name of a key file")]
    MissingFile,
    /// `drop` without what to drop.
    #[error("Missing connection or key (write an ID that spiped list shows, or the name of a key)")]
    MissingDrop,
    /// `check` with a file and options.
    #[error("Settings come from a file or from options, not from both: {0}")]
    FileAndOptions(String),
    /// A time that is not a number.
    #[error("Not a number of seconds: {0} {1}")]
    NotATime(String, String),
    /// An address of which not even the host is there.
    #[error("{0}")]
    Address(AddressError),
}

/// A value that cannot be used, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ValueFault {
    /// Not a number, or one that does not fit.
    #[error("Error parsing argument: {option} {value}: {fault}")]
    Number {
        /// The option it was given to.
        option: String,
        /// What was given.
        value: String,
        /// What is wrong with it.
        fault: NumberFault,
    },
    /// Not one of the four.
    #[error("Unknown log level: {0} (write error, warn, info or debug)")]
    LogLevel(String),
    /// Neither an address nor a network.
    #[error(
        "Not a network: {option} {value} (write an address or a network, such as \
        192.0.2.0/24)"
    )]
    Network {
        /// The option it was given to.
        option: String,
        /// What was given.
        value: String,
    },
    /// Not a time.
    #[error("Not a time: {0} (write 5s, 1m30s or never)")]
    Time(String),
    /// Not one of the two.
    #[error("Unknown mode: {0} (write encrypt or decrypt)")]
    Mode(String),
    /// Not one of the two.
    #[error("Unknown order of targets: {0} (write in-order or spread)")]
    Balance(String),
    /// Not one of the two.
    #[error("Unknown version of the PROXY protocol: {0} (write v1 or v2)")]
    ProxyVersion(String),
    /// Not for everybody to see.
    #[error(
        "Metrics are for this host only: {0} (write [127.0.0.1]:PORT, [::1]:PORT or the path \
        of a socket)"
    )]
    MetricsAddress(Address),
    /// Not one of the two.
    #[error("Unknown log format: {0} (write text or json)")]
    LogFormat(String),
    /// Not one of the two.
    #[error("Unknown key exchange: {0} (write modp2048 or x25519)")]
    KeyExchange(String),
    /// Not an address.
    #[error("{fault} (given to {option})")]
    Address {
        /// The option it was given to.
        option: String,
        /// What is wrong with it.
        fault: AddressError,
    },
    /// Not a user, a group, or both.
    #[error("{fault} (given to {option})")]
    Identity {
        /// The option it was given to.
        option: String,
        /// What is wrong with it.
        fault: PrivilegeError,
    },
    /// Too easy to guess, or not in ASCII.
    #[error("{0} (given to --code; --new-code makes a strong one)")]
    Code(#[from] CodeFault),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_start_with_the_last_part_of_the_name() {
        let invoked_as = |name: &str| Program::Spiped.invoked_as(Some(OsStr::new(name)));
        assert_eq!(invoked_as("/usr/bin/spiped-new"), "spiped-new");
        assert_eq!(invoked_as("./spiped"), "spiped");
        assert_eq!(invoked_as(""), "spiped");
        assert_eq!(Program::Spipe.invoked_as(None), "spipe");
    }

    #[test]
    fn questions_end_well_and_mistakes_do_not() {
        let code = |stop: Stop| format!("{:?}", stop.report(Program::Spipe, "spipe"));
        let success = format!("{:?}", ExitCode::SUCCESS);
        assert_eq!(code(Stop::Version), success);
        assert_ne!(code(Stop::Usage(None)), success);
        assert_ne!(code(ValueFault::LogLevel("x".into()).into()), success);
    }
}
