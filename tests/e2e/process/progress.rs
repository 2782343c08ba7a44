//! `spipe --progress`: a line in a terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, openpty};
use spiped_tests::{Backend, Daemon, Lab, Program, Spipe, Spiped, wait};

#[test]
fn line_shows_what_was_moved_and_is_erased_at_the_end() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let (mut spipe, mut screen) = at_terminal(&lab, &server, Stdio::piped());
    let mut stdin = spipe.stdin.take().unwrap();
    stdin.write_all(&[b'x'; 5000]).unwrap();
    let mut shown = String::new();
    while !(shown.contains("sent 4.8K, ") && shown.contains("; received 4.8K, ")) {
        shown.push_str(&screen.next());
    }
    assert!(!shown.contains("left"), "nobody knows how much comes out of a pipe: {shown}");
    drop(stdin);
    assert!(spipe.wait().unwrap().success());
    while !shown.ends_with("/s\r\x1b[K") {
        shown.push_str(&screen.next());
    }
}

#[test]
fn time_left_is_shown_if_standard_input_is_a_file() {
    let lab = Lab::new();
    let backend = Backend::narrow(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let file = File::open(lab.write("input", vec![0; 64 << 20])).unwrap();
    let (mut spipe, mut screen) = at_terminal(&lab, &server, file.into());
    let _stands_still = backend.accept();
    while !screen.next().contains(" left") {}
    spipe.kill().unwrap();
    spipe.wait().unwrap();
}

#[test]
fn nothing_is_shown_that_nobody_sees() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).start();
    let input = lab.write("input", vec![0; 1 << 20]);
    let exit = Spipe::to(&lab, server.source()).args(&["--progress"]).run_on(&input);
    exit.expect_success();
    assert_eq!((exit.stdout.len(), exit.stderr.as_str()), (1 << 20, ""));
}

/// The user's end of a terminal.
struct Screen {
    master: File,
    /// What is in a terminal is lost once nobody has this end.
    _slave: OwnedFd,
}

impl Screen {
    /// What appears next.
    fn next(&mut self) -> String {
        let mut ready = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(wait::LIMIT).unwrap();
        assert_eq!(poll(&mut ready, limit), Ok(1), "nothing appeared");
        let mut bytes = [0; 1024];
        let count = self.master.read(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }
}

/// A `spipe` whose standard error is a terminal, and that.
fn at_terminal(lab: &Lab, server: &Daemon, input: Stdio) -> (Child, Screen) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    let (target, key) = (server.source().to_string(), lab.key());
    let words = ["-t", &target, "-k", key.to_str().unwrap(), "--progress"];
    let mut command = Program::Spipe.ours(lab, &words);
    command.stdin(input).stdout(Stdio::null()).stderr(slave.try_clone().unwrap());
    (command.spawn().unwrap(), Screen { master: master.into(), _slave: slave })
}
