//! The texts: version, usage, and the explanation of every option.

use crate::cli::Program;

/// The release of the original whose behaviour is kept.
const COMPATIBLE_WITH: &str = "1.6.4";

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
    }
}

/// What `--help` prints.
#[must_use]
pub fn help(program: Program) -> String {
    let (before, after) = match program {
        Program::Spiped => (SPIPED_ABOUT, SPIPED_OPTIONS),
        Program::Spipe => (SPIPE_ABOUT, SPIPE_OPTIONS),
    };
    let usage = usage(program);
    format!("{before}\n{usage}\n{after}\n{ADDRESSES}")
}

const SPIPED_USAGE: &str = "\
usage: spiped {-e | -d} -s <source> -t <target> -k <key file>
    [-DFj] [-b <bind address>] [-f | -g] [-n <connections>] [-o <seconds>]
    [-p <pid file>] [-r <seconds> | -R] [--syslog] [--log-level <level>]
    [-u {<user> | <:group> | <user:group>}]
       spiped -v | --version | --help
";

const SPIPE_USAGE: &str = "\
usage: spipe -t <target> -k <key file> [-f | -g] [-j]
    [-b <bind address>] [-o <seconds>] [--log-level <level>]
       spipe -v | --version | --help
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

const SPIPED_OPTIONS: &str = "\
Required:
  -e                encrypt: connections to the source are plain, those to the
                    target are encrypted
  -d                decrypt: connections to the source are encrypted, those to
                    the target are plain
  -s <source>       address to listen on
  -t <target>       address to connect to
  -k <key file>     file with the key, the same on both hosts; - reads it from
                    standard input

Connections:
  -b <address>      bind the target socket to this address; the port may be
                    left out
  -f                omit forward secrecy: faster, but whoever gets the key can
                    read what was recorded before
  -g                require forward secrecy: refuse a peer that runs with -f
  -j                no TCP keep-alive
  -n <number>       at most this many connections at once; 0 for no limit
                    (default 100)
  -o <seconds>      time limit for connecting and for the handshake
                    (default 5; inf for none)
  -r <seconds>      how often to look up the target's name again (default 60)
  -R                look up the target's name only once

Process:
  -D                wait for DNS: start at once and keep trying names that
                    cannot be resolved yet
  -F                stay in the foreground; writes no pid file
  -p <pid file>     where to write the process id
                    (default: the text given to -s, followed by .pid)
  -u <user:group>   become this user, this group (:group), or both, once
                    everything is set up; names or numbers
  --syslog          once in the background, log to syslog
  --log-level <level>
                    error, warn, info or debug (default warn)
  -v                print the version on standard error
  --version         print the version
  --help            print this text
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
  -o <seconds>      time limit for connecting and for the handshake
                    (default 5; inf for none)
  --log-level <level>
                    error, warn, info or debug (default warn)
  -v                print the version on standard error
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

    const COMMON: [&str; 10] =
        ["-b", "-f", "-g", "-j", "-k", "-o", "-t", "-v", "--log-level", "--help"];
    const SPIPED_ONLY: [&str; 10] = ["-d", "-D", "-e", "-F", "-n", "-p", "-r", "-R", "-s", "-u"];

    #[test]
    fn version_names_what_it_replaces() {
        let version = version(Program::Spiped);
        assert!(version.starts_with("spiped "), "{version}");
        assert!(version.ends_with(" (compatible with spiped 1.6.4)"));
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
        for program in [Program::Spiped, Program::Spipe] {
            for line in help(program).lines() {
                assert!(line.len() <= 79, "{line}");
            }
        }
    }

    #[test]
    fn manual_page_has_the_same_options() {
        let pages = [
            (Program::Spiped, include_str!("../../man/spiped.1")),
            (Program::Spipe, include_str!("../../man/spipe.1")),
        ];
        for (program, page) in pages {
            let help = help(program);
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
