//! The portable component in hosts that are not ours, each against Debian's
//! spiped as the server and as the client.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod browser;
mod composed;
mod fuel;
mod guest;
mod metrics;
mod oracle;
mod packages;
mod suite;
mod wasi;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use spiped_tests::foreign::absolute;
use spiped_tests::{Exit, Process, wait};

/// Runs a program to its end, which may be minutes of computing away.
#[track_caller]
fn run(command: Command) -> Exit {
    const LIMIT: Duration = Duration::from_mins(10);
    let start = Instant::now();
    let mut process = Process::spawn(command);
    while process.is_running() {
        assert!(start.elapsed() < LIMIT, "it runs for {LIMIT:?}");
        wait::observe(Duration::from_millis(10));
    }
    process.wait()
}

/// Checks that a page has what a script of `tests/hosts/python` makes of something else.
#[track_caller]
fn expect_in_document(script: &str, document: &str) {
    let mut command = python(script);
    command.arg("--markdown");
    let exit = run(command);
    exit.expect_success();
    let tables = String::from_utf8(exit.stdout).unwrap();
    assert!(document.contains(&tables), "put this into the document:\n{tables}");
}

/// A script of `tests/hosts/python`.
fn python(name: &str) -> Command {
    let mut command = Command::new(absolute("target/hosts/python/bin/python"));
    command.arg(absolute(&format!("tests/hosts/python/{name}"))).stdin(Stdio::null());
    command
}
