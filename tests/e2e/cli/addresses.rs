//! Addresses that are none, as source, target, and outgoing address.

use spiped_tests::{Backend, Lab, Program, Spiped};

use super::{LineThenUsage, refused, run};

/// The address, and what the first line of the answer contains.
const WRONG: &[(&str, &str)] = &[
    ("abc", "Address must contain port number: abc"),
    ("a/b", "Address must contain port number: a/b"),
    ("[127.0.0.1]:0", "Invalid port number: 0"),
    ("[127.0.0.1]:65536", "Invalid port number: 65536"),
    ("[127.0.0.1]:zz", "Invalid port number: zz"),
    ("[127.0.0.1]:", "Invalid port number: "),
    ("[127.0.0.1:80", "Invalid [IP address]: [127.0.0.1"),
    ("[localhost]:80", "Error parsing IP address: localhost"),
    ("[1.2.3]:80", "Error parsing IP address: 1.2.3"),
    ("[::zz]:80", "Error parsing IP address: ::zz"),
    ("[fe80::1%lo]:80", "Error parsing IP address: fe80::1%lo"),
    (LONG_PATH, "socket path too long: /x"),
];

#[test]
fn wrong_sources() {
    for (address, reason) in WRONG {
        expect_reason(
            Program::Spiped,
            &format!("-e -F -s {address} -t /nonexistent/t -k key"),
            reason,
        );
    }
}

#[test]
fn wrong_targets() {
    for (address, reason) in WRONG {
        expect_reason(
            Program::Spiped,
            &format!("-e -F -s /nonexistent/s -t {address} -k key"),
            reason,
        );
    }
}

#[test]
fn wrong_targets_of_spipe() {
    for (address, reason) in WRONG {
        let line = format!("-t {address} -k key");
        expect_reason(Program::Spipe, &line, reason);
    }
}

#[test]
fn addresses_without_a_host_are_usage_errors() {
    refused(
        Program::Spiped,
        "-e -F -k key",
        &[
            ("-t /nonexistent/t -s ''", LineThenUsage("Empty socket address")),
            ("-s /nonexistent/s -t ''", LineThenUsage("Empty socket address")),
            ("-t /nonexistent/t -s :80", LineThenUsage("No host in \":80\"")),
            ("-s /nonexistent/s -t ::1:80", LineThenUsage("No host in \"::1:80\"")),
            ("-s /nonexistent/s -t /nonexistent/t -b :80", LineThenUsage("No host in \":80\"")),
        ],
    );
    refused(
        Program::Spipe,
        "-k key",
        &[
            ("-t ''", LineThenUsage("Empty socket address")),
            ("-t :80", LineThenUsage("No host in \":80\"")),
        ],
    );
}

/// As `strtol` reads numbers, and any port where none is needed.
#[test]
fn addresses_that_only_look_wrong_are_taken() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let port = server.source().port();
    for target in [format!("[127.0.0.1]:+{port}"), format!("[127.0.0.1]: {port}")] {
        for bind in ["127.0.0.2:", "[127.0.0.2]:", "localhost:"] {
            let client = Spiped::encrypt(&lab, &target).args(&["-b", bind]).start();
            client.connect().expect_echo(b"any port");
        }
    }
}

#[track_caller]
fn expect_reason(program: Program, line: &str, reason: &str) {
    let exit = run(program, line);
    assert_eq!(exit.code(), Some(1), "{line}: {exit:?}");
    let name = program.name();
    let first = exit.stderr.lines().next().unwrap_or_default();
    assert!(
        first.starts_with(&format!("{name}: {reason}")),
        "{line}: no {reason:?} in\n{}",
        exit.stderr
    );
}

/// 108 bytes, one more than fits with its end.
const LONG_PATH: &str = concat!(
    "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
);
