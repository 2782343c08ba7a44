//! The texts: version, usage, and the explanation of every option.

use crate::cli::Program;

/// The release of the original whose behaviour is kept.
const COMPATIBLE_WITH: &str = "1.6.4";

/// What `-v` prints. Scripts take the second word for upstream's version.
#[must_use]
pub fn short_version(program: Program) -> String {
    let name = program.name();
    format!("{name} {COMPATIBLE_WITH} (spiped-wasm {})", env!("CARGO_PKG_VERSION"))
}

/// One line: what this is and what it replaces.
#[must_use]
pub fn version(program: Program) -> String {
    let name = program.name();
    let version = env!("CARGO_PKG_VERSION");
    format!("{name} {version} (compatible with spiped {COMPATIBLE_WITH})")
}

/// What a mistake on the command line is answered with.
#[must_use]
pub fn usage(program: Program) -> &'static str {
    match program {
        Program::Spiped => SPIPED_USAGE,
        Program::Spipe => SPIPE_USAGE,
        Program::Keygen => KEYGEN_USAGE,
        Program::Fingerprint => FINGERPRINT_USAGE,
        Program::Pair => PAIR_USAGE,
        Program::Check => CHECK_USAGE,
        Program::Convert => CONVERT_USAGE,
        Program::Status => STATUS_USAGE,
        Program::List => LIST_USAGE,
        Program::Drop => DROP_USAGE,
        Program::Reload => RELOAD_USAGE,
        Program::LogLevel => LOG_LEVEL_USAGE,
    }
}

/// What `--help` prints.
#[must_use]
pub fn help(program: Program) -> String {
    let (before, after, addresses) = match program {
        Program::Spiped => (SPIPED_ABOUT, SPIPED_OPTIONS, ADDRESSES),
        Program::Spipe => (SPIPE_ABOUT, SPIPE_OPTIONS, ADDRESSES),
        Program::Keygen => (KEYGEN_ABOUT, KEYGEN_OPTIONS, ""),
        Program::Fingerprint => (FINGERPRINT_ABOUT, FINGERPRINT_OPTIONS, ""),
        Program::Pair => (PAIR_ABOUT, PAIR_OPTIONS, ADDRESSES),
        Program::Check => (CHECK_ABOUT, CHECK_OPTIONS, ""),
        Program::Convert => (CONVERT_ABOUT, HELP_OPTION, ""),
        Program::Status => (STATUS_ABOUT, STATUS_OPTIONS, ""),
        Program::List => (LIST_ABOUT, LIST_OPTIONS, ""),
        Program::Drop => (DROP_ABOUT, CONTROL_OPTIONS, ""),
        Program::Reload => (RELOAD_ABOUT, RELOAD_OPTIONS, ""),
        Program::LogLevel => (LOG_LEVEL_ABOUT, CONTROL_OPTIONS, ""),
    };
    let usage = usage(program);
    [before, usage, after, addresses].join("\n").trim_end().to_owned() + "\n"
}

const SPIPED_USAGE: &str = "\
usage: spiped {-e | -d} -s <source> -t <target> -k <key file>
    [-DFj] [-b <bind address>] [-f | -g] [--kex <exchange>]
    [-n <connections>] [-o <seconds>] [-p <pid file>] [-r <seconds> | -R]
    [-u {<user> | <:group> | <user:group>}]
    [--syslog] [--log-level <level>] [--log-format <format>]
    [--allow <network>] [--handshakes <number>]
    [--handshakes-per-source <number>] [--connections-per-key <number>]
    [--close-revoked] [--strict-keys] [--socket-mode <mode>]
    [--socket-owner {<user> | <:group> | <user:group>}]
    [--threads <number>] [--memory <size>] [--strict]
       spiped -v | --version | --help
       spiped keygen <key file>
       spiped fingerprint <key file>...
       spiped pair {--listen <address> | --connect <address>}
    [--code <code> | --new-code] [-o <seconds>] <key file>
";

const SPIPE_USAGE: &str = "\
usage: spipe -t <target> -k <key file> [-f | -g] [-j]
    [-b <bind address>] [--kex <exchange>] [-o <seconds>]
    [--log-level <level>] [--log-format <format>] [--strict-keys] [--strict]
       spipe -v | --version | --help
";

const KEYGEN_USAGE: &str = "\
usage: spiped keygen <key file>
       spiped keygen --help
";

const FINGERPRINT_USAGE: &str = "\
usage: spiped fingerprint <key file>...
       spiped fingerprint --help
";

const PAIR_USAGE: &str = "\
usage: spiped pair {--listen <address> | --connect <address>}
    [--code <code> | --new-code] [-o <seconds>] <key file>
       spiped pair --help
";

const CHECK_USAGE: &str = "\
usage: spiped check [--peer] [--strict] [--json] {<file> | <options of spiped>}
       spiped check --help
";

const CONVERT_USAGE: &str = "\
usage: spiped convert -- spiped <options of spiped>
       spiped convert <unit file or .env file>
       spiped convert --help
";

const STATUS_USAGE: &str = "\
usage: spiped status [--watch | --json] [--control <path>]
       spiped status --help
";

const LIST_USAGE: &str = "\
usage: spiped list [--json] [--control <path>]
       spiped list --help
";

const DROP_USAGE: &str = "\
usage: spiped drop [--control <path>] {<connection> | <key>}
       spiped drop --help
";

const RELOAD_USAGE: &str = "\
usage: spiped reload [--dry-run] [--control <path>]
       spiped reload --help
";

const LOG_LEVEL_USAGE: &str = "\
usage: spiped log-level [--control <path>] [error | warn | info | debug]
       spiped log-level --help
";

const CHECK_ABOUT: &str = "\
Looks at everything that can be known about settings without serving, and tells
all that is wrong. Nothing is changed.
";

const CONVERT_ABOUT: &str = "\
Writes a file of settings that does the same, on standard output.
";

const STATUS_ABOUT: &str = "\
Shows the pipes of the daemon that runs.
";

const LIST_ABOUT: &str = "\
Shows the connections of the daemon that runs.
";

const DROP_ABOUT: &str = "\
Resets a connection, by the number that spiped list shows, or all of a key.
";

const RELOAD_ABOUT: &str = "\
Has the daemon that runs reload its settings and keys, all or nothing, and waits
for its answer.
";

const LOG_LEVEL_ABOUT: &str = "\
Shows or changes what the daemon that runs writes to its log.
";

const HELP_OPTION: &str = "\
  --help            print this text
";

const CHECK_OPTIONS: &str = "\
  --peer            also make a connection to each peer
  --strict          warnings are errors
  --json            for programs
  --help            print this text
";

const CONTROL_OPTIONS: &str = "\
  --control <path>  the daemon's control socket (default /run/spiped/control)
  --help            print this text
";

const STATUS_OPTIONS: &str = "\
  --watch           again every second, until q is typed
  --json            for programs
  --control <path>  the daemon's control socket (default /run/spiped/control)
  --help            print this text
";

const LIST_OPTIONS: &str = "\
  --json            for programs
  --control <path>  the daemon's control socket (default /run/spiped/control)
  --help            print this text
";

const RELOAD_OPTIONS: &str = "\
  --dry-run         only tell what would change
  --control <path>  the daemon's control socket (default /run/spiped/control)
  --help            print this text
";

const SPIPED_ABOUT: &str = "\
Accepts connections on the source and forwards each to the target, encrypted
and authenticated on one of the two sides. Two of them, one with -e and one
with -d, share a key file and make a pipe between two hosts.
";

const SPIPE_ABOUT: &str = "\
Connects to a target where spiped -d listens, sends standard input to it and
writes what comes back to standard output.
";

const KEYGEN_ABOUT: &str = "\
Makes a key file of 32 random bytes that only its owner can read, and prints
its fingerprint. A file that exists is not overwritten.
";

const FINGERPRINT_ABOUT: &str = "\
Prints a short code for each key file. Two files have the same code if they
hold the same key. The code may be read aloud or mailed, if the key is random.
";

const PAIR_ABOUT: &str = "\
Makes the same new key file on two hosts, over a network that need not be
secure. Start it with --listen on one host and with --connect on the other.
Both then show twelve digits; the key is made if both users say that they are
the same. With the same code on both hosts, nobody is asked.
";

const KEYGEN_OPTIONS: &str = "\
  --help            print this text
";

const FINGERPRINT_OPTIONS: &str = "\
Instead of a file, - reads standard input.

  --help            print this text
";

const PAIR_OPTIONS: &str = "\
Required, one of them:
  --listen <address>
                    wait for the other host on this address
  --connect <address>
                    connect to the other host

Optional:
  --code -          use a code instead of asking, and read it from standard
                    input: 8 or more characters, new for each run. The code
                    itself in place of - can be seen by other users
  --new-code        with --listen: make a strong code and show it; type it on
                    the other host
  -o <seconds>      time limit for all of it (default 300; inf for none)
  --help            print this text
";

const SPIPED_OPTIONS: &str = "\
Required:
  -e                encrypt: connections to the source are plain, those to the
                    target are encrypted
  -d                decrypt: connections to the source are encrypted, those to
                    the target are plain
  -s <source>       address to listen on
  -t <target>       address to connect to
  -k <key file>     file with the key, the same on both hosts; - reads it from
                    standard input; <name>=<file> gives the key a name
                    With -d, also a directory: each file in it is a key that
                    is accepted, called like the file. Or -k <name>=<file>
                    several times

Connections:
  -b <address>      bind the target socket to this address; the port may be
                    left out
  -f                omit forward secrecy: faster, but whoever gets the key can
                    read what was recorded before
  -g                require forward secrecy: refuse a peer that runs with -f
  -j                no TCP keep-alive
  --kex <exchange>  key exchange: modp2048, which every spiped knows (default
                    of -e), or x25519, which is cheaper and shows when a
                    stream was truncated; -d accepts both unless told otherwise
  -n <number>       at most this many connections at once; 0 for no limit
                    (default 100)
  --memory <size>   at most so much memory for connections; K, M and G are
                    units (default no limit but the system's)
  -o <seconds>      time limit for connecting and for the handshake
                    (default 5; inf for none)
  -r <seconds>      how often to look up the target's name again (default 60)
  -R                look up the target's name only once
  --connections-per-key <number>
                    with -d: at most this many connections at once for each
                    key; 0 for no limit (default 0)
  --handshakes <number>
                    with -d: listen to at most this many strangers at once,
                    until they have shown that they have a key (default half
                    of -n, at least 64)
  --handshakes-per-source <number>
                    with -d: at most this many of them from one IPv4 address
                    or IPv6 /64 network (default half of --handshakes)
  --allow <network> accept connections from this address or network (CIDR)
                    only; may be given several times
  --close-revoked   when keys are read again, reset the connections of those
                    that are gone
  --strict-keys     do not use a key that is warned about: others can read or
                    change it, or it is empty or easy to guess

Process:
  -D                wait for DNS: start at once and keep trying names that
                    cannot be resolved yet
  -F                stay in the foreground; writes no pid file
  -p <pid file>     where to write the process id
                    (default: the text given to -s, followed by .pid)
  -u <user:group>   become this user, this group (:group), or both, once
                    everything is set up; names or numbers
  --socket-mode <mode>
                    who may connect to a Unix source, as 0660 (default by the
                    file mode mask)
  --socket-owner <user:group>
                    whose the Unix source is (default ours)
  --syslog          once in the background, log to syslog
  --strict          run only if all of the program's own sandbox is active,
                    which takes Linux 6.12
  --log-level <level>
                    error, warn, info or debug (default warn)
  --log-format <format>
                    text, or json: an object a line (default text)
  --threads <number>
                    event loops, and as many threads that compute (default
                    one of each for every processor)
  -v                print the version of the original that this program is
                    compatible with, on standard error
  --version         print the version
  --help            print this text

Signals:
  TERM              finish: no new connections; end with the last one
  HUP               read the keys again
  USR1              log how many connections there were, and of what kinds
";

const SPIPE_OPTIONS: &str = "\
Required:
  -t <target>       address to connect to
  -k <key file>     file with the key, the same on both hosts; - reads it from
                    standard input, which leaves nothing to send

Optional:
  -b <address>      bind the socket to this address; the port may be left out
  -f                omit forward secrecy: faster, but whoever gets the key can
                    read what was recorded before
  -g                require forward secrecy: refuse a peer that runs with -f
  -j                no TCP keep-alive
  --kex <exchange>  key exchange: modp2048, which every spiped knows (default),
                    or x25519, which is cheaper and shows when a stream was cut
                    off
  -o <seconds>      time limit for connecting and for the handshake
                    (default 5; inf for none)
  --strict-keys     do not use a key that is warned about: others can read or
                    change it, or it is empty or easy to guess
  --strict          run only if all of the program's own sandbox is active,
                    which takes Linux 6.12
  --log-level <level>
                    error, warn, info or debug (default warn)
  --log-format <format>
                    text, or json: an object a line (default text)
  -v                print the version of the original that this program is
                    compatible with, on standard error
  --version         print the version
  --help            print this text
";

const ADDRESSES: &str = "\
Addresses:
  host:port         a name to be looked up; the port may be a service name
  [ip]:port         an IPv4 or IPv6 address; [0.0.0.0] and [::] mean all
  /path             a Unix socket
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const COMMON: [&str; 14] = [
        "-b",
        "-f",
        "-g",
        "-j",
        "-k",
        "-o",
        "-t",
        "-v",
        "--kex",
        "--log-format",
        "--log-level",
        "--strict-keys",
        "--strict",
        "--help",
    ];
    const SPIPED_ONLY: [&str; 15] = [
        "-d",
        "-D",
        "-e",
        "-F",
        "-n",
        "-p",
        "-r",
        "-R",
        "-s",
        "-u",
        "--close-revoked",
        "--connections-per-key",
        "--memory",
        "--socket-mode",
        "--socket-owner",
    ];
    const COMMANDS: [Program; 3] = [Program::Keygen, Program::Fingerprint, Program::Pair];

    #[test]
    fn version_names_what_it_replaces() {
        let version = version(Program::Spiped);
        assert!(version.starts_with("spiped "), "{version}");
        assert!(version.ends_with(" (compatible with spiped 1.6.4)"));
    }

    #[test]
    fn second_word_of_the_short_version_is_upstreams() {
        assert!(short_version(Program::Spiped).starts_with("spiped 1.6.4 (spiped-wasm "));
        assert!(short_version(Program::Spipe).starts_with("spipe 1.6.4 (spiped-wasm "));
    }

    #[test]
    fn every_option_is_explained() {
        let spiped = help(Program::Spiped);
        for option in COMMON.iter().chain(&SPIPED_ONLY).chain(&["--syslog"]) {
            assert!(explains(&spiped, option), "{option}");
        }
        let spipe = help(Program::Spipe);
        for option in COMMON {
            assert!(explains(&spipe, option), "{option}");
        }
        for option in SPIPED_ONLY {
            assert!(!explains(&spipe, option), "{option}");
        }
    }

    #[test]
    fn lines_fit_a_terminal() {
        for program in COMMANDS.into_iter().chain([Program::Spiped, Program::Spipe]) {
            for line in help(program).lines() {
                assert!(line.len() <= 79, "{line}");
            }
        }
    }

    #[test]
    fn manual_page_has_the_same_options() {
        let commands = COMMANDS.map(help).concat();
        let pages = [
            (help(Program::Spiped) + &commands, include_str!("../../man/spiped.1")),
            (help(Program::Spipe), include_str!("../../man/spipe.1")),
        ];
        for (help, page) in pages {
            let explained = help.lines().filter_map(|line| {
                line.strip_prefix("  -").and_then(|rest| rest.split_whitespace().next())
            });
            let listed = page.lines().filter_map(|line| {
                // `Fl Fl help` is an option with two dashes.
                let option = line.strip_prefix(".It Fl ")?.replacen("Fl ", "-", 1);
                option.split_whitespace().next().map(str::to_owned)
            });
            let (explained, listed): (BTreeSet<_>, BTreeSet<_>) =
                (explained.map(str::to_owned).collect(), listed.collect());
            assert_eq!(explained, listed);
        }
    }

    fn explains(text: &str, option: &str) -> bool {
        text.lines().any(|line| line.split_whitespace().next() == Some(option))
    }
}
