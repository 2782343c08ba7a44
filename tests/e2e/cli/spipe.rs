//! Refused command lines of `spipe`.

use spiped_tests::Program;

use super::{Line, LineThenUsage, Usage, refused};

/// Complete; without more it would fail to connect.
const BASE: &str = "-t /nonexistent/target -k key";

#[test]
fn missing_required_options() {
    refused(Program::Spipe, "", &[("", Usage), ("-t /nonexistent/t", Usage), ("-k key", Usage)]);
}

#[test]
fn repeated_options() {
    refused(
        Program::Spipe,
        BASE,
        &[
            ("-t /nonexistent/t", Usage),
            ("-k key", Usage),
            ("-b 127.0.0.1 -b 127.0.0.1", Usage),
            ("-f -f", Usage),
            ("-g -g", Usage),
            ("-j -j", Usage),
            ("-o 1 -o 1", Usage),
        ],
    );
}

#[test]
fn options_that_exclude_each_other() {
    refused(Program::Spipe, BASE, &[("-f -g", Usage), ("-gf", Usage)]);
}

#[test]
fn leftover_words() {
    refused(Program::Spipe, BASE, &[("leftover", Usage), ("-- -f", Usage), ("-", Usage)]);
}

#[test]
fn options_of_the_daemon() {
    refused(
        Program::Spipe,
        BASE,
        &[
            ("-e", LineThenUsage("spipe: illegal option -- -e")),
            ("-d", LineThenUsage("spipe: illegal option -- -d")),
            ("-s x", LineThenUsage("spipe: illegal option -- -s")),
            ("-D", LineThenUsage("spipe: illegal option -- -D")),
            ("-F", LineThenUsage("spipe: illegal option -- -F")),
            ("-n 1", LineThenUsage("spipe: illegal option -- -n")),
            ("-p x", LineThenUsage("spipe: illegal option -- -p")),
            ("-r 1", LineThenUsage("spipe: illegal option -- -r")),
            ("-R", LineThenUsage("spipe: illegal option -- -R")),
            ("-u x", LineThenUsage("spipe: illegal option -- -u")),
            ("--syslog", LineThenUsage("spipe: illegal option -- --syslog")),
        ],
    );
}

#[test]
fn missing_values() {
    refused(
        Program::Spipe,
        "",
        &[
            ("-t", LineThenUsage("spipe: Missing argument to -t")),
            ("-k", LineThenUsage("spipe: Missing argument to -k")),
            ("-b", LineThenUsage("spipe: Missing argument to -b")),
            ("-o", LineThenUsage("spipe: Missing argument to -o")),
        ],
    );
}

#[test]
fn bad_times() {
    refused(
        Program::Spipe,
        BASE,
        &[
            ("-o x", Line("spipe: Error parsing argument: -o x: Invalid argument")),
            ("-o -1", Line("spipe: Error parsing argument: -o -1: Numerical result out of range")),
            ("-o nan", Usage),
        ],
    );
}
