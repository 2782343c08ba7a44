//! One table of options: what can be said on a command line and in a file.
//! Parsers, usage, help, the manual's tables and the difference of two settings
//! are made from it.

use std::fmt;

use log::LevelFilter;

use super::settings::Mode;
use super::words::Word;
use crate::guest::{ForwardSecrecy, KeyExchange};
use crate::net::proxy::ProxyVersion;
use crate::net::targets::Balance;
use crate::observe::Format;

pub(crate) use super::table::OPTIONS;

/// One option, on the command line, in a file, or in both.
#[derive(Debug)]
pub(crate) struct Opt {
    /// What it is about.
    pub(crate) key: Key,
    /// Upstream's letter.
    pub(crate) short: Option<char>,
    /// Its long name on the command line, without dashes.
    pub(crate) long: Option<&'static str>,
    /// Its name in a file.
    pub(crate) file: Option<&'static str>,
    /// What its value is.
    pub(crate) kind: Kind,
    /// What stands for the value in explanations, if the kind does not say it.
    pub(crate) value: &'static str,
    /// In the usage, an alternative to the option before.
    pub(crate) or: bool,
    /// Nothing works without.
    pub(crate) required: bool,
    /// Where it belongs.
    pub(crate) scope: Scope,
    /// Whether `spipe` has it.
    pub(crate) spipe: bool,
    /// For which pipes it means anything.
    pub(crate) only: Only,
    /// What holds without it; empty if that is obvious.
    pub(crate) default: &'static str,
    /// What it does, for `--help`, the manual and completions. A clause up to the
    /// first semicolon can stand alone.
    pub(crate) help: &'static str,
    /// What spiped.toml(5) says in place of `help` and `default`.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the manual, which tests write"))]
    pub(crate) in_file: Option<(&'static str, &'static str)>,
}

/// What an option is about. Several options may be about the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "they are named like the options, which are explained")]
#[allow(clippy::enum_variant_names, reason = "keys of pipes are among what settings are about")]
pub(crate) enum Key {
    Mode,
    Source,
    Target,
    Keys,
    Balance,
    Bind,
    Strength,
    KeepAlive,
    KeepAliveIdle,
    KeepAliveInterval,
    KeepAliveCount,
    KeyExchange,
    MaxConnections,
    Timeout,
    IdleTimeout,
    HalfClosedTimeout,
    UserTimeout,
    ResolvePeriod,
    ResolveOnce,
    WaitForDns,
    ConnectionsPerKey,
    Handshakes,
    HandshakesPerSource,
    Allow,
    ProxyFrom,
    ProxyTo,
    CloseRevoked,
    StrictKeys,
    SocketMode,
    SocketOwner,
    Config,
    Foreground,
    PidFile,
    User,
    Memory,
    Threads,
    Control,
    Metrics,
    Drain,
    Program,
    Syslog,
    Strict,
    LogLevel,
    LogFormat,
    Progress,
    Question,
    Local,
    Listen,
    Peer,
    Mirror,
}

/// What the value of an option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// None: given or not.
    Flag,
    /// The same for what is on by default: in a file it has the opposite name.
    NoFlag,
    /// None: given, it stands for this mode.
    IsMode(Mode),
    /// None: given, it stands for this.
    IsStrength(ForwardSecrecy),
    /// None: a question to be answered.
    Question(Question),
    /// `encrypt` or `decrypt`.
    Mode,
    /// A number of things.
    Count,
    /// A number of bytes.
    Size,
    /// Who may do what with a file.
    FileMode,
    /// A time.
    Time,
    /// One address.
    Address,
    /// At least one address.
    Addresses,
    /// Networks.
    Networks,
    /// A file.
    Path,
    /// A user, a group, or both.
    Identity,
    /// Where keys are.
    Keys,
    /// A key exchange.
    KeyExchange,
    /// A level of the log.
    LogLevel,
    /// A form of the log.
    LogFormat,
    /// Which of several targets.
    Balance,
    /// A version of the PROXY protocol.
    ProxyVersion,
}

/// What can be asked instead of running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// `-v`.
    Version,
    /// `--version`.
    LongVersion,
    /// `--help`.
    Help,
}

/// Where an option belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A pipe; what each of the two of a `[both-ways]` has of its own.
    Ends,
    /// A pipe, or `[defaults]` for all of them.
    Pipe,
    /// The process.
    Process,
    /// The process; in a file it may stand in `[defaults]`, too.
    Log,
    /// Both pipes of a `[both-ways]`.
    BothWays,
    /// The one connection of `spipe`.
    Spipe,
}

/// For which pipes an option means anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Only {
    /// All.
    Any,
    /// Those that decrypt.
    Decrypt,
    /// Those whose source is a Unix socket.
    UnixSource,
}

impl Opt {
    /// Whether the word for it says everything.
    pub(crate) fn is_flag(&self) -> bool {
        self.placeholder().is_empty()
    }

    /// What stands for the value in explanations; nothing if there is none.
    pub(crate) fn placeholder(&self) -> &'static str {
        if self.value.is_empty() { self.kind.placeholder() } else { self.value }
    }

    /// With its dashes, the letter first if it has one.
    pub(crate) fn spelling(&self) -> String {
        match (self.short, self.long) {
            (Some(letter), _) => format!("-{letter}"),
            (None, Some(name)) => format!("--{name}"),
            (None, None) => String::new(),
        }
    }
}

/// The option that this letter or name, with its dashes, stands for.
pub(crate) fn find(word: &str) -> Option<&'static Opt> {
    let mut letters = word.chars().skip(1);
    let letter = letters.next().filter(|_| letters.next().is_none());
    OPTIONS.iter().find(|option| match word.strip_prefix("--") {
        Some(name) => option.long == Some(name),
        None => letter.is_some() && option.short == letter,
    })
}

/// The option that is about this, in a file.
pub(crate) fn in_file(key: Key) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.key == key && option.file.is_some())
}

/// The options a person can mean by a key of a table of a file.
pub(crate) fn in_scope(scopes: &[Scope]) -> impl Iterator<Item = (&'static str, &'static Opt)> {
    OPTIONS.iter().filter_map(|option| {
        Some((option.file?, option)).filter(|_| scopes.contains(&option.scope))
    })
}

impl Kind {
    /// What stands for such a value in explanations; nothing if there is none.
    pub(crate) fn placeholder(self) -> &'static str {
        match self {
            Self::Flag
            | Self::NoFlag
            | Self::IsMode(_)
            | Self::IsStrength(_)
            | Self::Question(_) => "",
            Self::Mode | Self::FileMode => "mode",
            Self::Count => "number",
            Self::Size => "size",
            Self::Time => "time",
            Self::Address | Self::Addresses => "address",
            Self::Networks => "network",
            Self::Path => "file",
            Self::Identity => "user:group",
            Self::Keys => "key file",
            Self::KeyExchange => "exchange",
            Self::LogLevel => "level",
            Self::LogFormat => "format",
            Self::Balance => "order",
            Self::ProxyVersion => "version",
        }
    }

    /// The words that such a value can be; none if it can be anything else.
    pub(crate) fn words(self) -> Vec<&'static str> {
        match self {
            Self::Mode => words::<Mode>(),
            Self::KeyExchange => words::<KeyExchange>(),
            Self::LogLevel => words::<LevelFilter>(),
            Self::LogFormat => words::<Format>(),
            Self::Balance => words::<Balance>(),
            Self::ProxyVersion => words::<ProxyVersion>(),
            Self::Flag
            | Self::NoFlag
            | Self::IsMode(_)
            | Self::IsStrength(_)
            | Self::Question(_)
            | Self::FileMode
            | Self::Count
            | Self::Size
            | Self::Time
            | Self::Address
            | Self::Addresses
            | Self::Networks
            | Self::Path
            | Self::Identity
            | Self::Keys => Vec::new(),
        }
    }

    /// What a file has to say.
    pub(crate) fn in_file(self) -> String {
        let words: Vec<_> = self.words().iter().map(|word| format!("{word:?}")).collect();
        if let [first @ .., last] = &words[..] {
            return format!("{} or {last}", first.join(", "));
        }
        let text = match self {
            Self::Flag
            | Self::NoFlag
            | Self::IsMode(_)
            | Self::IsStrength(_)
            | Self::Question(_) => "true or false",
            Self::Count => "a number, such as 100",
            Self::Size => "a size, such as \"64MiB\"",
            Self::FileMode => "an octal mode, such as \"0660\"",
            Self::Time => "a time, such as \"5s\", \"1m30s\" or \"never\"",
            Self::Address => "an address, such as \"[127.0.0.1]:6379\"",
            Self::Addresses => "an address, such as \"[127.0.0.1]:6379\", or a list of them",
            Self::Networks => "a network, such as \"192.0.2.0/24\", or a list of them",
            Self::Path => "a path, such as \"/run/spiped/control\"",
            Self::Identity => {
                "a user and group, such as \"spiped\", \":redis\" or \"spiped:redis\""
            }
            Self::Keys => "a file, a directory, or a table { NAME = \"FILE\" }",
            Self::Mode
            | Self::KeyExchange
            | Self::LogLevel
            | Self::LogFormat
            | Self::Balance
            | Self::ProxyVersion => "",
        };
        text.to_owned()
    }
}

fn words<W: Word>() -> Vec<&'static str> {
    W::WORDS.iter().map(|&(word, _)| word).collect()
}

impl Key {
    /// Whether a new value takes effect only in a new process.
    pub(crate) fn takes_restart(self) -> bool {
        let scope = in_file(self).map(|option| option.scope);
        let is_of_process = matches!(scope, Some(Scope::Process | Scope::Log));
        is_of_process && ![Self::LogLevel, Self::Drain].contains(&self)
    }
}

/// As in a file.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match in_file(*self).and_then(|option| option.file) {
            // Two keys are about it.
            Some(_) if *self == Self::Strength => f.write_str("forward-secrecy"),
            Some(name) => f.write_str(name),
            None => fmt::Debug::fmt(self, f),
        }
    }
}
