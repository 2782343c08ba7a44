//! A pairing that ends early leaves nothing behind.

use nix::sys::signal::Signal;
use spiped_core::Side;
use spiped_core::pairing::HELLO_LEN;
use spiped_tests::{Conn, Lab, procfs, wait};

use super::{ByHand, Pairer, expect_files, start_both};

/// What one says when its confirmation is on the way.
const CONFIRMED: &str = "Waiting for the other host to confirm.";

/// Two that show their digits.
fn comparing(lab: &Lab) -> (Pairer, Pairer) {
    let (here, there) = start_both(lab, &[], &[]);
    here.digits();
    there.digits();
    (here, there)
}

#[test]
fn anything_but_yes_or_no_is_asked_again() {
    let lab = Lab::new();
    let (mut here, mut there) = comparing(&lab);
    for (times, answer) in (1..).zip(["y\n", "\n", "YES\n", "yes please\n", "n\n", "nope\n"]) {
        here.say(answer);
        let again = || here.process.stderr().matches("Type yes or no").count() == times;
        wait::until("it asks again", again);
    }
    there.say("maybe\nyes\n");
    there.process.wait_for_stderr(CONFIRMED);
    expect_files(&lab, &[]);
    here.say("  yes \n");
    assert_eq!(here.expect_key("here"), there.expect_key("there"));
}

#[test]
fn peer_is_heard_while_the_user_is_asked_again() {
    let lab = Lab::new();
    let (mut here, mut there) = comparing(&lab);
    here.say("what?\n");
    here.process.wait_for_stderr("Type yes or no");
    there.say("no\n");
    there.expect_failure("Pairing stopped");
    here.expect_failure("it closed the connection");
    expect_files(&lab, &[]);
}

#[test]
fn no_answer_is_an_error_that_says_what_scripts_do() {
    for said in ["", "y\n", "perhaps"] {
        let lab = Lab::new();
        let (mut here, mut there) = comparing(&lab);
        here.say(said);
        drop(here.stdin.take());
        here.expect_failure("There is no answer on standard input: in scripts, use --code -");
        there.expect_failure("it closed the connection");
        expect_files(&lab, &[]);
    }
}

#[test]
fn last_line_needs_no_line_feed() {
    let lab = Lab::new();
    let (mut here, mut there) = comparing(&lab);
    here.say("yes");
    drop(here.stdin.take());
    there.say("yes\n");
    assert_eq!(here.expect_key("here"), there.expect_key("there"));
}

#[test]
fn one_no_is_enough() {
    let lab = Lab::new();
    let (mut here, mut there) = comparing(&lab);
    there.say("yes\n");
    there.process.wait_for_stderr(CONFIRMED);
    here.say("no\n");
    here.expect_failure("Pairing stopped");
    let exit = there.expect_failure("it closed the connection");
    assert!(exit.stderr.contains("delete it there"), "{}", exit.stderr);
    expect_files(&lab, &[]);
}

#[test]
fn interruption_before_the_yes_leaves_no_file() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGKILL] {
        let lab = Lab::new();
        let (mut here, mut there) = comparing(&lab);
        there.process.signal(signal);
        if signal == Signal::SIGKILL {
            assert_eq!(there.wait().signal(), Some(signal as i32));
        } else {
            let exit = there.expect_failure("Pairing interrupted");
            assert!(!exit.stderr.contains("delete"), "{}", exit.stderr);
        }
        here.expect_failure("it closed the connection");
        expect_files(&lab, &[]);
    }
}

#[test]
fn interruption_after_the_yes_says_what_may_be_left() {
    for there_is_interrupted in [true, false] {
        let lab = Lab::new();
        let (mut here, mut there) = comparing(&lab);
        let (one, other) =
            if there_is_interrupted { (&mut there, &mut here) } else { (&mut here, &mut there) };
        one.say("yes\n");
        one.process.wait_for_stderr(CONFIRMED);
        one.process.signal(Signal::SIGINT);
        let exit = one.expect_failure("Pairing interrupted");
        assert!(exit.stderr.contains("delete it there"), "{}", exit.stderr);
        other.expect_failure("it closed the connection");
        expect_files(&lab, &[]);
    }
}

#[test]
fn file_that_exists_is_refused_before_the_network_is_touched() {
    let lab = Lab::new();
    let at = lab.tcp();
    lab.write("here", "precious");
    let mut here = Pairer::start(&lab, &["--listen", &at.to_string()], "here");
    here.expect_failure("here exists already and is not overwritten");
    let mut there = Pairer::connect(&lab, &at, "here", &[]);
    let exit = there.expect_failure("here exists already and is not overwritten");
    assert!(!exit.stderr.contains("connect"), "{}", exit.stderr);
    assert_eq!(std::fs::read(lab.path("here")).unwrap(), b"precious");
}

#[test]
fn file_that_appears_meanwhile_is_kept() {
    let lab = Lab::new();
    let (mut here, mut there) = comparing(&lab);
    lab.write("here", "precious");
    here.say("yes\n");
    there.say("yes\n");
    here.expect_failure("here exists already and is not overwritten");
    there.expect_key("there");
    assert_eq!(std::fs::read(lab.path("here")).unwrap(), b"precious");
    expect_files(&lab, &["here", "there"]);
}

#[test]
fn time_limit_is_for_all_of_it() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen(&lab, &at, "here", &["-o", "0.3"]);
    here.expect_failure(
        "Pairing timed out after 0.3 s: start it on both hosts again, with a longer -o",
    );
    assert!(!procfs::is_listening(&at));

    let mut here = Pairer::listen(&lab, &at, "here", &["-o", "1.5"]);
    let mut there = Pairer::connect(&lab, &at, "there", &[]);
    here.digits();
    there.digits();
    here.expect_failure(
        "Pairing timed out after 1.5 s: start it on both hosts again, with a longer -o",
    );
    there.expect_failure("it closed the connection");
    expect_files(&lab, &[]);
}

#[test]
fn peer_that_falls_silent_is_waited_for_until_the_limit() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen(&lab, &at, "here", &["-o", "1"]);
    let mut silent = ByHand::new(Side::Client, None, Conn::to(&at));
    silent.conn.receive(HELLO_LEN);
    here.expect_failure(
        "Pairing timed out after 1 s: start it on both hosts again, with a longer -o",
    );
}
