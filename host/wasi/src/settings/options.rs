//! The options: one table for arguments, environment and usage.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write as _;

use super::Program;

/// An option, as an argument and in the environment.
pub(super) struct Opt {
    /// What it says.
    pub(super) meaning: Meaning,
    /// With one dash.
    pub(super) letter: Option<char>,
    /// With two.
    pub(super) name: &'static str,
    /// What its value is called. Flags have none.
    pub(super) value: Option<&'static str>,
    /// The programs that have it.
    pub(super) programs: &'static [Program],
    /// Whether it is only for the environment: arguments are shown to everyone
    /// on the host.
    pub(super) is_secret: bool,
    /// For people.
    pub(super) help: &'static str,
}

/// What an option says. Those that mean the same contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Mode,
    Source,
    Target,
    KeyFile,
    Bind,
    Strength,
    KeyExchange,
    KeepAlive,
    MaxConnections,
    Handshakes,
    Timeout,
    ResolvePeriod,
    WaitForDns,
    Foreground,
    Question(Question),
}

/// What is answered in place of running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    UpstreamVersion,
    Version,
    Help,
}

const BOTH: &[Program] = &[Program::Spiped, Program::Spipe];
const SPIPED: &[Program] = &[Program::Spiped];

const fn flag(
    meaning: Meaning,
    letter: Option<char>,
    name: &'static str,
    programs: &'static [Program],
    help: &'static str,
) -> Opt {
    Opt { meaning, letter, name, value: None, programs, is_secret: false, help }
}

impl Opt {
    const fn taking(self, value: &'static str) -> Self {
        Self { value: Some(value), ..self }
    }

    const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    /// Its variable in the environment.
    pub(super) fn variable(&self) -> String {
        format!("SPIPED_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }
}

pub(super) const OPTIONS: [Opt; 21] = [
    flag(Meaning::Mode, Some('e'), "encrypt", SPIPED, "encrypt: the source is plain"),
    flag(Meaning::Mode, Some('d'), "decrypt", SPIPED, "decrypt: the target is plain"),
    flag(Meaning::Source, Some('s'), "source", SPIPED, "address to listen on").taking("address"),
    flag(Meaning::Target, Some('t'), "target", BOTH, "address to connect to").taking("address"),
    flag(Meaning::KeyFile, Some('k'), "key", BOTH, "key file; - is standard input").taking("file"),
    flag(Meaning::KeyFile, None, "key-base64", BOTH, "the content of the key file, in base64")
        .taking("base64")
        .secret(),
    flag(Meaning::Bind, Some('b'), "bind", BOTH, "bind the target socket to this")
        .taking("address"),
    flag(
        Meaning::Strength,
        Some('f'),
        "omit-forward-secrecy",
        BOTH,
        "faster; old traffic is read by \
        whoever gets the key",
    ),
    flag(Meaning::Strength, Some('g'), "require-forward-secrecy", BOTH, "refuse peers with -f"),
    flag(
        Meaning::KeyExchange,
        None,
        "kex",
        BOTH,
        "modp2048 or x25519 (default modp2048; with -d, \
        both are accepted)",
    )
    .taking("exchange"),
    flag(Meaning::KeepAlive, Some('j'), "no-keep-alive", BOTH, "no TCP keep-alive"),
    flag(
        Meaning::MaxConnections,
        Some('n'),
        "max-connections",
        SPIPED,
        "at most so many at once; 0 \
        for no limit (default 100)",
    )
    .taking("number"),
    flag(
        Meaning::Handshakes,
        None,
        "handshakes",
        SPIPED,
        "with -d: at most so many that have not \
        shown that they have the key (default half of -n, at least 64)",
    )
    .taking("number"),
    flag(
        Meaning::Timeout,
        Some('o'),
        "timeout",
        BOTH,
        "for connecting, and for the handshake \
        (default 5s)",
    )
    .taking("time"),
    flag(
        Meaning::ResolvePeriod,
        Some('r'),
        "resolve-period",
        SPIPED,
        "how long the target's \
        addresses are kept (default 1m)",
    )
    .taking("time"),
    flag(Meaning::ResolvePeriod, Some('R'), "resolve-once", SPIPED, "for ever"),
    flag(
        Meaning::WaitForDns,
        Some('D'),
        "wait-for-dns",
        SPIPED,
        "keep trying names that cannot be \
        resolved yet",
    ),
    flag(Meaning::Foreground, Some('F'), "foreground", SPIPED, "nothing: WASI has no background"),
    flag(
        Meaning::Question(Question::UpstreamVersion),
        Some('v'),
        "upstream-version",
        BOTH,
        "the version of the original \
        that this is compatible with",
    ),
    flag(Meaning::Question(Question::Version), None, "version", BOTH, "print the version"),
    flag(Meaning::Question(Question::Help), None, "help", BOTH, "print this text"),
];

/// What upstream has and WASI has no means for.
pub(super) const NOT_HERE: [(char, &str, &str); 3] =
    [('p', "pid-file", "processes"), ('u', "user", "users"), ('\0', "syslog", "syslog")];

/// How the program is called, and with what.
pub(super) fn usage(program: Program) -> String {
    let mut text = match program {
        Program::Spiped => "usage: spiped.wasm {-e | -d} -s <source> -t <target> -k <key file> \
            [<option> ...]\n       spiped.wasm spipe ...\n"
            .to_string(),
        Program::Spipe => {
            "usage: spiped.wasm spipe -t <target> -k <key file> [<option> ...]\n".to_string()
        }
    };
    for option in OPTIONS.iter().filter(|option| option.programs.contains(&program)) {
        let letter = option.letter.map_or(String::new(), |letter| format!("-{letter}, "));
        let value = option.value.map_or(String::new(), |value| format!(" <{value}>"));
        let name = if option.is_secret {
            option.variable()
        } else {
            format!("{letter}--{}{value}", option.name)
        };
        let _ = writeln!(text, "  {name:<34} {}", option.help);
    }
    text += "Each can also be set in the environment: --max-connections as \
        SPIPED_MAX_CONNECTIONS, flags as 1,\nspipe as SPIPED_PROGRAM=spipe. Arguments win.\n";
    text
}
