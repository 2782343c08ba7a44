//! A user at a terminal.

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use nix::pty::openpty;
use spiped_tests::{Lab, Process, Program, proc, wait};

use super::{Pairer, expect_files};

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    let lab = Lab::new();
    let at = lab.tcp();
    let address = at.to_string();
    let terminal = openpty(None, None).unwrap();
    let mut keyboard = File::from(terminal.master);
    let mut command = Program::Spiped.ours(&lab, &["pair", "--listen", &address, "here"]);
    command.stdin(terminal.slave);
    let mut here = Process::spawn(command);
    wait::until("it listens", || proc::is_listening(&at));

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
