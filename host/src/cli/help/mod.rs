//! The texts: version, usage, and the explanation of every option. Those of the
//! options come from their table.

mod commands;
#[cfg(test)]
mod completions;
#[cfg(test)]
mod manual;
mod options;

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

/// The answer to a mistake on the command line.
#[must_use]
pub fn usage(program: Program) -> String {
    match commands::texts(program) {
        Some(texts) => texts.usage.to_owned(),
        None => options::usage(program),
    }
}

/// What `--help` prints.
#[must_use]
pub fn help(program: Program) -> String {
    let (about, options, more) = match (program, commands::texts(program)) {
        (Program::Pair, Some(texts)) => (texts.about, texts.explained(), ADDRESSES),
        (_, Some(texts)) => (texts.about, texts.explained(), ""),
        (Program::Spipe, None) => {
            (SPIPE_ABOUT, [&options::explained(program), TIMES].join("\n"), ADDRESSES)
        }
        (_, None) => {
            (SPIPED_ABOUT, [&options::explained(program), SIGNALS, TIMES].join("\n"), ADDRESSES)
        }
    };
    let usage = usage(program);
    [about, &usage, &options, more].join("\n").trim_end().to_owned() + "\n"
}

const SPIPED_ABOUT: &str = "\
Accepts connections on the source and forwards each to the target. One of the
two sides is encrypted and authenticated. Two daemons, one with -e and one with
-d, share a key file and make a pipe between two hosts.
";

const SPIPE_ABOUT: &str = "\
Connects to a target, where spiped -d listens, sends standard input to it, and
writes what it receives to standard output.
";

const SIGNALS: &str = "\
Signals:
  TERM              accept no more connections, and exit with the last one
  HUP               reload settings and keys
  USR1              log counters of connections and bytes
  USR2              replace the process, as spiped upgrade does
";

const TIMES: &str = "\
Times:
  5s, 1m30s, never  or a number of seconds; -o and -r take only a number or inf
";

const ADDRESSES: &str = "\
Addresses:
  host:port         a host name; the port may be a service name
  [ip]:port         an IPv4 or IPv6 address; [0.0.0.0] and [::] stand for all
  /path             a Unix socket
  @name             an abstract Unix socket, which has no file
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::COMMANDS;
    use crate::config::options::OPTIONS;

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
        for program in [Program::Spiped, Program::Spipe] {
            let text = help(program);
            for option in OPTIONS.iter().filter(|option| !option.spelling().is_empty()) {
                let expected = program.has(option);
                assert_eq!(explains(&text, &option.spelling()), expected, "{}", option.spelling());
            }
        }
    }

    #[test]
    fn usage_has_upstreams_letters() {
        assert_eq!(
            usage(Program::Spiped),
            "usage: spiped {-e | -d} -s <source> -t <target> -k <key file> [-DFj]\n    \
             [-b <address>] [-f | -g] [-n <connections>] [-o <time>] [-r <time> | -R]\n    \
             [-p <file>] [-u <user:group>] [--<option> ...]\n       \
             spiped [-F] [-p <file>] --config <file>\n       \
             spiped -v | --version | --help\n       \
             spiped {keygen | fingerprint | pair | check | convert | status | list |\n    \
             drop | reload | upgrade | log-level} [--help | ...]\n"
        );
        assert_eq!(
            usage(Program::Spipe),
            "usage: spipe -t <target> -k <key file> [-j] [-b <address>] [-f | -g]\n    \
             [-o <time>] [--<option> ...]\n       \
             spipe -v | --version | --help\n"
        );
    }

    #[test]
    fn lines_fit_a_terminal() {
        let commands = COMMANDS.into_iter().map(|(_, program)| program);
        for program in commands.chain([Program::Spiped, Program::Spipe]) {
            for line in help(program).lines() {
                assert!(line.len() <= 79, "{line}");
            }
        }
    }

    fn explains(text: &str, option: &str) -> bool {
        text.lines().any(|line| {
            let first = line.strip_prefix("  ").and_then(|line| line.split([' ', ',']).next());
            first == Some(option)
        })
    }
}
