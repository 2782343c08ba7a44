//! Refused command lines of `spiped`.

use spiped_tests::Program;

use super::{Line, LineThenUsage, Usage, refused};

/// Complete but for the mode. If it were accepted, there would still be no
/// directory for the source, hence no daemon.
const BASE: &str = "-F -s /nonexistent/source -t /nonexistent/target -k key";

#[test]
fn missing_required_options() {
    refused(
        Program::Spiped,
        "",
        &[
            ("", Usage),
            ("-s /nonexistent/s -t /nonexistent/t -k key", Usage),
            ("-e -t /nonexistent/t -k key", Usage),
            ("-e -s /nonexistent/s -k key", Usage),
            ("-d -s /nonexistent/s -t /nonexistent/t", Usage),
        ],
    );
}

#[test]
fn repeated_options() {
    refused(
        Program::Spiped,
        BASE,
        &[
            ("-e -e", Usage),
            ("-d -d", Usage),
            ("-e -F", Usage),
            ("-e -s /nonexistent/s", Usage),
            ("-e -t /nonexistent/t", Usage),
            ("-e -k key", Usage),
            ("-e -b 127.0.0.1 -b 127.0.0.1", Usage),
            ("-e -D -D", Usage),
            ("-e -f -f", Usage),
            ("-e -g -g", Usage),
            ("-e -j -j", Usage),
            ("-e -jj", Usage),
            ("-e -n 1 -n 1", Usage),
            ("-e -o 1 -o 1", Usage),
            ("-e -p a -p a", Usage),
            ("-e -r 1 -r 1", Usage),
            ("-e -R -R", Usage),
            ("-e -u nobody -u nobody", Usage),
            ("-e --syslog --syslog", Usage),
        ],
    );
}

#[test]
fn options_that_exclude_each_other() {
    refused(
        Program::Spiped,
        BASE,
        &[
            ("-e -d", Usage),
            ("-d -e", Usage),
            ("-e -f -g", Usage),
            ("-e -g -f", Usage),
            ("-e -r 5 -R", Usage),
            ("-e -R -r 5", Usage),
        ],
    );
}

#[test]
fn leftover_words() {
    refused(
        Program::Spiped,
        BASE,
        &[
            ("-e leftover", Usage),
            ("-e -- leftover", Usage),
            ("-e -- -f", Usage),
            ("-e -", Usage),
            ("-e ''", Usage),
            ("-e leftover -v", Usage),
        ],
    );
}

#[test]
fn unknown_commands() {
    let line = "spiped: No such command: tunnel. Commands: keygen, fingerprint, pair";
    refused(Program::Spiped, "", &[("tunnel", LineThenUsage(line)), ("tunnel -v", Usage)]);
}

#[test]
fn unknown_options() {
    refused(
        Program::Spiped,
        BASE,
        &[
            ("-x", LineThenUsage("spiped: illegal option -- -x")),
            ("-ex", LineThenUsage("spiped: illegal option -- -x")),
            ("-1", LineThenUsage("spiped: illegal option -- -1")),
            ("-h", LineThenUsage("spiped: illegal option -- -h (see --help)")),
            ("--foo", LineThenUsage("spiped: illegal option -- --foo")),
            ("--sys", LineThenUsage("spiped: illegal option -- --sys")),
            ("--syslog=x", LineThenUsage("spiped: illegal option -- --syslog")),
        ],
    );
}

#[test]
fn missing_values() {
    refused(
        Program::Spiped,
        "",
        &[
            ("-s", LineThenUsage("spiped: Missing argument to -s")),
            ("-t", LineThenUsage("spiped: Missing argument to -t")),
            ("-k", LineThenUsage("spiped: Missing argument to -k")),
            ("-b", LineThenUsage("spiped: Missing argument to -b")),
            ("-n", LineThenUsage("spiped: Missing argument to -n")),
            ("-o", LineThenUsage("spiped: Missing argument to -o")),
            ("-p", LineThenUsage("spiped: Missing argument to -p")),
            ("-r", LineThenUsage("spiped: Missing argument to -r")),
            ("-u", LineThenUsage("spiped: Missing argument to -u")),
            ("-en", LineThenUsage("spiped: Missing argument to -n")),
        ],
    );
}

#[test]
fn bad_connection_limits() {
    refused(
        Program::Spiped,
        BASE,
        &[
            ("-e -n abc", Line(NOT_N)),
            ("-e -nabc", Line(NOT_N)),
            ("-e -n 1.5", Line("spiped: Error parsing argument: -n 1.5: Invalid argument")),
            ("-e -n ''", Line("spiped: Error parsing argument: -n : Invalid argument")),
            ("-e -n 09", Line("spiped: Error parsing argument: -n 09: Invalid argument")),
            (
                "-e -n 99999999999999999999999",
                Line("-n 99999999999999999999999: Numerical result out of range"),
            ),
        ],
    );
}

#[test]
fn bad_times() {
    refused(
        Program::Spiped,
        BASE,
        &[
            ("-e -o x", Line("spiped: Error parsing argument: -o x: Invalid argument")),
            ("-e -o ''", Line("spiped: Error parsing argument: -o : Invalid argument")),
            ("-e -o 5s", Line("spiped: Error parsing argument: -o 5s: Invalid argument")),
            (
                "-e -o -1",
                Line("spiped: Error parsing argument: -o -1: Numerical result out of range"),
            ),
            (
                "-e -o 1e999",
                Line("spiped: Error parsing argument: -o 1e999: Numerical result out of range"),
            ),
            ("-e -o nan", Usage),
            ("-e -r x", Line("spiped: Error parsing argument: -r x: Invalid argument")),
            (
                "-e -r -1",
                Line("spiped: Error parsing argument: -r -1: Numerical result out of range"),
            ),
        ],
    );
}

#[test]
fn users_who_do_not_exist() {
    // Also without -F: before anything is in the background.
    for base in [BASE, "-p never -s /nonexistent/source -t /nonexistent/target -k key"] {
        refused(
            Program::Spiped,
            base,
            &[
                ("-e -u no-such-user", Line("spiped: No such user: no-such-user (-u, `user =`)")),
                ("-e -u :no-group", Line("spiped: No such group: no-group (-u, `user =`)")),
                ("-e -u 0:", Line("spiped: Empty group name: \"0:\" (write USER, ")),
                ("-e -u ''", Line("spiped: Empty user and group name (write USER, ")),
            ],
        );
    }
}

#[test]
fn first_error_is_the_one_reported() {
    refused(
        Program::Spiped,
        "",
        &[
            ("-n abc -x", Line(NOT_N)),
            ("-x -n abc", LineThenUsage("illegal option -- -x")),
            ("-n abc -v", Line(NOT_N)),
            ("-x -v", LineThenUsage("illegal option -- -x")),
        ],
    );
}

const NOT_N: &str = "spiped: Error parsing argument: -n abc: Invalid argument";
