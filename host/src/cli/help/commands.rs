//! The texts of the commands.

use super::options::entry;
use crate::cli::Program;

/// What a command's texts and completions are made of.
pub(super) struct Texts {
    pub(super) usage: &'static str,
    /// Its first sentence can stand alone.
    pub(super) about: &'static str,
    pub(super) options: &'static [CommandOption],
    /// What its words are that belong to no option.
    #[cfg_attr(not(test), expect(dead_code, reason = "for completions, which tests write"))]
    pub(super) operand: Operand,
}

/// An option of a command.
#[derive(Clone, Copy)]
pub(super) struct CommandOption {
    /// With its dashes.
    pub(super) name: &'static str,
    /// What stands for its value in explanations; empty if it has none.
    pub(super) value: &'static str,
    /// What its value is.
    #[cfg_attr(not(test), expect(dead_code, reason = "for completions, which tests write"))]
    pub(super) takes: Operand,
    /// One of those that are required.
    pub(super) required: bool,
    pub(super) help: &'static str,
}

/// What can be typed at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// Nothing.
    Nothing,
    /// Something that only the user knows.
    Text,
    /// A file.
    File,
    /// A level of the log.
    LogLevel,
    /// A file, or the options of the daemon.
    FileOrOptions,
}

/// Those of a command; nothing for the programs themselves.
pub(super) fn texts(program: Program) -> Option<&'static Texts> {
    match program {
        Program::Spiped | Program::Spipe => None,
        Program::Keygen => Some(&KEYGEN),
        Program::Fingerprint => Some(&FINGERPRINT),
        Program::Pair => Some(&PAIR),
        Program::Check => Some(&CHECK),
        Program::Convert => Some(&CONVERT),
        Program::Status => Some(&STATUS),
        Program::List => Some(&LIST),
        Program::Drop => Some(&DROP),
        Program::Reload => Some(&RELOAD),
        Program::Upgrade => Some(&UPGRADE),
        Program::LogLevel => Some(&LOG_LEVEL),
    }
}

impl Texts {
    /// An explanation of each option.
    pub(super) fn explained(&self) -> String {
        let (required, optional): (Vec<_>, Vec<_>) =
            self.options.iter().partition(|option| option.required);
        let entries = |options: &[&CommandOption]| -> String {
            options.iter().map(|option| entry(option.name, option.value, option.help)).collect()
        };
        if required.is_empty() {
            return entries(&optional);
        }
        let [required, optional] = [required, optional].map(|options| entries(&options));
        format!("Required, one of them:\n{required}\nOptional:\n{optional}")
    }
}

static KEYGEN: Texts = Texts {
    usage: "\
usage: spiped keygen <key file>
       spiped keygen --help
",
    about: "\
Creates a key file of 32 random bytes that only its owner can read, and prints
its fingerprint. An existing file is never overwritten.
",
    options: &[HELP],
    operand: Operand::File,
};

static FINGERPRINT: Texts = Texts {
    usage: "\
usage: spiped fingerprint <key file>...
       spiped fingerprint --help
",
    about: "\
Prints the fingerprint of each key file. Two files with the same fingerprint
hold the same key. The fingerprint of a random key may be read aloud or mailed.
Instead of a file, - reads standard input.
",
    options: &[HELP],
    operand: Operand::File,
};

static PAIR: Texts = Texts {
    usage: "\
usage: spiped pair {--listen <address> | --connect <address>}
    [--code <code> | --new-code] [-o <seconds>] <key file>
       spiped pair --help
",
    about: "\
Creates the same new key file on two hosts, over a network that need not be
secure. Start it with --listen on one host, then with --connect on the other.
Both show twelve digits; the key is created if both users confirm that they are
the same. With the same code on both hosts, nobody is asked.
",
    options: &[
        CommandOption {
            required: true,
            help: "wait for the other host on this address",
            ..with_value("--listen", "address", Operand::Text)
        },
        CommandOption {
            required: true,
            help: "connect to the other host",
            ..with_value("--connect", "address", Operand::Text)
        },
        CommandOption {
            help: "use a one-time code of 8 or more characters instead of asking; - reads it from \
                   standard input, other users can see any other value. Use a new one for each run",
            ..with_value("--code", "code", Operand::Text)
        },
        CommandOption {
            help: "create a strong code and show it, for the other host; only with --listen",
            ..flag("--new-code")
        },
        CommandOption {
            help: "time limit for the whole command; inf for none (default 300)",
            ..with_value("-o", "seconds", Operand::Text)
        },
        HELP,
    ],
    operand: Operand::File,
};

static CHECK: Texts = Texts {
    usage: "\
usage: spiped check [--peer] [--strict] [--json] {<file> | <options of spiped>}
       spiped check --help
",
    about: "\
Checks settings without serving, and reports everything that is wrong. Changes
nothing.
",
    options: &[
        CommandOption {
            help: "also do a handshake with the other end of each pipe that encrypts",
            ..flag("--peer")
        },
        CommandOption { help: "treat warnings as errors", ..flag("--strict") },
        CommandOption { help: "print one JSON object", ..JSON },
        HELP,
    ],
    operand: Operand::FileOrOptions,
};

static CONVERT: Texts = Texts {
    usage: "\
usage: spiped convert -- spiped <options of spiped>
       spiped convert <unit file or .env file>
       spiped convert --help
",
    about: "\
Prints a settings file that is equivalent to a command line, a systemd unit or
an .env file.
",
    options: &[HELP],
    operand: Operand::File,
};

static STATUS: Texts = Texts {
    usage: "\
usage: spiped status [--watch | --json] [--control <path>]
       spiped status --help
",
    about: "\
Shows the pipes of the running daemon.
",
    options: &[
        CommandOption { help: "show them again every second, until q is typed", ..flag("--watch") },
        CommandOption { help: "print one JSON object", ..JSON },
        CONTROL,
        HELP,
    ],
    operand: Operand::Nothing,
};

static LIST: Texts = Texts {
    usage: "\
usage: spiped list [--json] [--control <path>]
       spiped list --help
",
    about: "\
Shows the connections of the running daemon.
",
    options: &[
        CommandOption { help: "print one JSON object for each connection", ..JSON },
        CONTROL,
        HELP,
    ],
    operand: Operand::Nothing,
};

static DROP: Texts = Texts {
    usage: "\
usage: spiped drop [--control <path>] {<connection> | <key>}
       spiped drop --help
",
    about: "\
Resets one connection, by the number that spiped list shows, or all connections
of a key, by its name.
",
    options: &[CONTROL, HELP],
    operand: Operand::Text,
};

static RELOAD: Texts = Texts {
    usage: "\
usage: spiped reload [--dry-run] [--control <path>]
       spiped reload --help
",
    about: "\
Makes the running daemon reload its settings and keys. If anything is wrong,
nothing changes. Waits for the result.
",
    options: &[
        CommandOption { help: "only show what would change", ..flag("--dry-run") },
        CONTROL,
        HELP,
    ],
    operand: Operand::Nothing,
};

static UPGRADE: Texts = Texts {
    usage: "\
usage: spiped upgrade [--check] [--control <path>]
       spiped upgrade --help
",
    about: "\
Replaces the running daemon with the program that is now installed. Established
connections move to the new process. If anything fails, the old process
continues, and no connection is lost.
",
    options: &[
        CommandOption { help: "only show whether it would work", ..flag("--check") },
        CONTROL,
        HELP,
    ],
    operand: Operand::Nothing,
};

static LOG_LEVEL: Texts = Texts {
    usage: "\
usage: spiped log-level [--control <path>] [error | warn | info | debug]
       spiped log-level --help
",
    about: "\
Shows or changes the log level of the running daemon.
",
    options: &[CONTROL, HELP],
    operand: Operand::LogLevel,
};

const HELP: CommandOption = CommandOption { help: "print this text", ..flag("--help") };

const JSON: CommandOption = flag("--json");

const CONTROL: CommandOption = CommandOption {
    help: "control socket of the daemon (default /run/spiped/control)",
    ..with_value("--control", "path", Operand::File)
};

const fn flag(name: &'static str) -> CommandOption {
    with_value(name, "", Operand::Nothing)
}

const fn with_value(name: &'static str, value: &'static str, takes: Operand) -> CommandOption {
    CommandOption { name, value, takes, required: false, help: "" }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cli::commands::{
        check, convert, drop, fingerprint, keygen, list, log_level, pair, reload, status, upgrade,
    };
    use crate::cli::{COMMANDS, Stop, UsageFault};

    #[test]
    fn usage_names_each_option_and_nothing_else() {
        for (name, program) in COMMANDS {
            let texts = texts(program).unwrap();
            let words = texts.usage.split(|sign: char| !(sign.is_alphanumeric() || sign == '-'));
            let mut used: Vec<_> = words
                .filter(|word| word.len() > 1 && word.starts_with('-') && *word != "--")
                .collect();
            let mut known: Vec<_> = texts.options.iter().map(|option| option.name).collect();
            used.sort_unstable();
            known.sort_unstable();
            assert_eq!(used, known, "{name}");
        }
    }

    #[test]
    fn commands_have_the_options_that_their_texts_explain() {
        for (name, program) in COMMANDS {
            for option in texts(program).unwrap().options {
                // A value that is missing ends the reading before any other fault.
                let expected = match (option.value, option.name) {
                    ("", "--help") => Some(Stop::Help),
                    ("", _) => None,
                    _ => Some(UsageFault::MissingValue(option.name.to_owned()).into()),
                };
                let stop = read(program, option.name);
                match expected {
                    Some(expected) => assert_eq!(stop, Some(expected), "{name}"),
                    None => assert!(!is_illegal(stop.as_ref()), "{name} {}", option.name),
                }
            }
            assert!(is_illegal(read(program, "--no-such").as_ref()) || program == Program::Convert);
        }
    }

    fn is_illegal(stop: Option<&Stop>) -> bool {
        matches!(stop, Some(Stop::Usage(Some(UsageFault::IllegalOption(_)))))
    }

    /// Why a command does nothing when this is typed.
    fn read(program: Program, word: &str) -> Option<Stop> {
        let words = [OsString::from(word)];
        match program {
            Program::Spiped | Program::Spipe => None,
            Program::Keygen => keygen(words).err(),
            Program::Fingerprint => fingerprint(words).err(),
            Program::Pair => pair(words).err(),
            Program::Check => check(words).err(),
            Program::Convert => convert(words).err(),
            Program::Status => status(words).err(),
            Program::List => list(words).err(),
            Program::Drop => drop(words).err(),
            Program::Reload => reload(words).err(),
            Program::Upgrade => upgrade(words).err(),
            Program::LogLevel => log_level(words).err(),
        }
    }
}
