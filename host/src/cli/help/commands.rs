//! The texts of the commands.

use crate::cli::Program;

/// What a command's texts are made of.
pub(super) struct Texts {
    pub(super) usage: &'static str,
    pub(super) about: &'static str,
    pub(super) options: &'static str,
}

/// Those of a command; nothing for the programs themselves.
pub(super) fn texts(program: Program) -> Option<Texts> {
    let (usage, about, options) = match program {
        Program::Spiped | Program::Spipe => return None,
        Program::Keygen => (KEYGEN_USAGE, KEYGEN_ABOUT, HELP_OPTION),
        Program::Fingerprint => (FINGERPRINT_USAGE, FINGERPRINT_ABOUT, FINGERPRINT_OPTIONS),
        Program::Pair => (PAIR_USAGE, PAIR_ABOUT, PAIR_OPTIONS),
        Program::Check => (CHECK_USAGE, CHECK_ABOUT, CHECK_OPTIONS),
        Program::Convert => (CONVERT_USAGE, CONVERT_ABOUT, HELP_OPTION),
        Program::Status => (STATUS_USAGE, STATUS_ABOUT, STATUS_OPTIONS),
        Program::List => (LIST_USAGE, LIST_ABOUT, LIST_OPTIONS),
        Program::Drop => (DROP_USAGE, DROP_ABOUT, CONTROL_OPTIONS),
        Program::Reload => (RELOAD_USAGE, RELOAD_ABOUT, RELOAD_OPTIONS),
        Program::Upgrade => (UPGRADE_USAGE, UPGRADE_ABOUT, UPGRADE_OPTIONS),
        Program::LogLevel => (LOG_LEVEL_USAGE, LOG_LEVEL_ABOUT, CONTROL_OPTIONS),
    };
    Some(Texts { usage, about, options })
}

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

const UPGRADE_USAGE: &str = "\
usage: spiped upgrade [--check] [--control <path>]
       spiped upgrade --help
";

const LOG_LEVEL_USAGE: &str = "\
usage: spiped log-level [--control <path>] [error | warn | info | debug]
       spiped log-level --help
";

const CHECK_ABOUT: &str = "\
Looks at everything that can be known about settings without serving, and
tells all that is wrong. Nothing is changed.
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
Has the daemon that runs reload its settings and keys, all or nothing, and
waits for its answer.
";

const UPGRADE_ABOUT: &str = "\
Has the daemon that runs replaced by the program as it is now installed. Its
connections move to the new process and go on. If that fails, the old process
goes on as if nothing had happened.
";

const LOG_LEVEL_ABOUT: &str = "\
Shows or changes what the daemon that runs writes to its log.
";

const HELP_OPTION: &str = "  --help            print this text
";

const CHECK_OPTIONS: &str = "  --peer            also make a connection to each peer
  --strict          warnings are errors
  --json            for programs
  --help            print this text
";

const CONTROL_OPTIONS: &str =
    "  --control <path>  the daemon's control socket (default /run/spiped/control)
  --help            print this text
";

const STATUS_OPTIONS: &str = "  --watch           again every second, until q is typed
  --json            for programs
  --control <path>  the daemon's control socket (default /run/spiped/control)
  --help            print this text
";

const LIST_OPTIONS: &str = "  --json            for programs
  --control <path>  the daemon's control socket (default /run/spiped/control)
  --help            print this text
";

const RELOAD_OPTIONS: &str = "  --dry-run         only tell what would change
  --control <path>  the daemon's control socket (default /run/spiped/control)
  --help            print this text
";

const UPGRADE_OPTIONS: &str = "  --check           only tell whether it would work
  --control <path>  the daemon's control socket (default /run/spiped/control)
  --help            print this text
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
