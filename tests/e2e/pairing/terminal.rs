//! A user at a terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, tcgetattr};
use spiped_tests::{Lab, Process, Program, procfs, wait};

use super::{CODE, Pairer, expect_files};

/// One `spiped pair` at a terminal, and the user's end of that.
#[track_caller]
fn at_terminal(lab: &Lab, words: &[&str]) -> (Process, File, OwnedFd) {
    let terminal = openpty(None, None).unwrap();
    let mut command = Program::Spiped.ours(lab, &[&["pair"], words].concat());
    command.stdin(terminal.slave.try_clone().unwrap());
    (Process::spawn(command), File::from(terminal.master), terminal.slave)
}

fn echoes(terminal: &OwnedFd) -> bool {
    tcgetattr(terminal).unwrap().local_flags.contains(LocalFlags::ECHO)
}

#[test]
fn code_is_typed_without_an_echo() {
    let lab = Lab::new();
    let at = lab.tcp();
    let words = ["--listen", &at.to_string(), "--code", "-", "here"];
    let (mut here, mut keyboard, terminal) = at_terminal(&lab, &words);
    here.wait_for_stderr("Code:");
    assert!(!echoes(&terminal));
    keyboard.write_all(b"Kettle 7 blue\n").unwrap();
    wait::until("it listens", || procfs::is_listening(&at));
    assert!(echoes(&terminal));

    let mut there = Pairer::connect(&lab, &at, "there", &["--code", CODE]);
    here.wait().expect_success();
    there.expect_key("there");
    // The line feed alone was shown.
    let mut screen = [0; 64];
    let len = keyboard.read(&mut screen).unwrap();
    assert_eq!(&screen[..len], b"\r\n");
}

#[test]
fn echo_is_back_after_an_interruption() {
    for (signal, options) in [(Some(Signal::SIGINT), ["-o", "60"]), (None, ["-o", "0.5"])] {
        let lab = Lab::new();
        let at = lab.tcp().to_string();
        let words = [&options[..], &["--listen", &at, "--code", "-", "here"]].concat();
        let (mut here, _keyboard, terminal) = at_terminal(&lab, &words);
        here.wait_for_stderr("Code:");
        if let Some(signal) = signal {
            assert!(!echoes(&terminal));
            here.signal(signal);
        }
        here.wait().expect_failure("Pairing");
        assert!(echoes(&terminal));
        expect_files(&lab, &[]);
    }
}

#[test]
fn end_of_input_at_a_terminal_is_a_no() {
    let lab = Lab::new();
    let at = lab.tcp();
    let (mut here, mut keyboard, _terminal) =
        at_terminal(&lab, &["--listen", &at.to_string(), "here"]);
    wait::until("it listens", || procfs::is_listening(&at));
    let mut there = Pairer::connect(&lab, &at, "there", &[]);
    here.wait_for_stderr("[yes/no]");
    keyboard.write_all(&[CONTROL_D]).unwrap();
    here.wait().expect_failure("Pairing stopped");
    there.expect_failure("it closed the connection");
    expect_files(&lab, &[]);
}

const CONTROL_D: u8 = 4;

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    let lab = Lab::new();
    let at = lab.tcp();
    let (mut here, mut keyboard, _terminal) =
        at_terminal(&lab, &["--listen", &at.to_string(), "here"]);
    wait::until("it listens", || procfs::is_listening(&at));

    keyboard.write_all(b"yes\n").unwrap();
    let mut there = Pairer::connect(&lab, &at, "there", &[]);
    here.wait_for_stderr("[yes/no]");
    there.digits();
    there.say("yes\n");
    wait::observe(Duration::from_millis(300));
    assert!(here.is_running());
    expect_files(&lab, &[]);

    keyboard.write_all(b"yes\n").unwrap();
    here.wait().expect_success();
    there.expect_key("there");
    expect_files(&lab, &["here", "there"]);
}
