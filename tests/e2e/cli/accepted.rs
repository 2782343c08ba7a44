//! Command lines that look odd and are fine.

use std::os::unix::fs::symlink;
use std::process::Command;

use spiped_tests::{Backend, Lab, Origin, Process, Program, Spiped};

#[test]
fn numbers_follow_the_rules_of_c() {
    for number in ["0", "1", "0x10", "010", "-1", "+5", "18446744073709551615"] {
        starts(&["-n", number]);
    }
}

#[test]
fn times_are_floating_point_and_zero_means_the_default() {
    for time in ["0", "0.0", "1.5", "1e3", ".5", "0x1p4", "-0"] {
        starts_with_time_limit(time, &["-r", time]);
    }
}

#[test]
fn default_lookup_period_goes_with_no_lookups() {
    for time in ["60", "6e1", "0"] {
        starts(&["-R", "-r", time]);
    }
}

#[test]
fn values_may_be_glued_and_options_packed() {
    starts(&["-n5", "-r30", "-fj"]);
    starts(&["-jRn", "5"]);
    starts(&["-jgn5"]);
}

#[test]
fn double_dash_ends_the_options() {
    let lab = Lab::new();
    let line = ["-e", "-F", "-s", "/nonexistent/s", "-t", "/nonexistent/t", "-k", "key", "--"];
    let exit = Process::spawn(Program::Spiped.ours(&lab, &line)).wait();
    exit.expect_failure("Error binding socket: ");
}

#[test]
fn word_after_an_option_is_its_value_whatever_it_looks_like() {
    let lab = Lab::new();
    lab.write_key("-F", spiped_tests::KEY);
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).key("-F").start();
    let client = Spiped::encrypt(&lab, server.source()).start();
    client.connect().expect_echo(b"same key");
}

#[test]
fn messages_begin_with_the_name_it_was_called_by() {
    let lab = Lab::new();
    let alias = lab.path("pipe-to-there");
    symlink(Program::Spiped.path(Origin::Ours), &alias).unwrap();
    let mut command = Command::new(alias);
    command.arg("-x");
    let exit = Process::spawn(command).wait();
    exit.expect_failure("pipe-to-there: illegal option -- -x\n");
}

#[track_caller]
fn starts(args: &[&str]) {
    starts_with_time_limit("5", args);
}

#[track_caller]
fn starts_with_time_limit(time: &str, args: &[&str]) {
    let lab = Lab::new();
    let spiped = Spiped::encrypt(&lab, &lab.tcp()).time_limit(time);
    spiped.args(args).start();
}
