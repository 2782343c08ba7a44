//! `spipe` is told to end while its target still has to take what was sent.

use std::io::Write;
use std::time::Duration;

use nix::sys::signal::Signal;
use spiped_tests::wire::{Handshake, Side};
use spiped_tests::{Backend, Conn, KEY, Lab, Process, Spipe, procfs, wait};

/// More than is taken in any of these tests.
const STUCK: usize = 1_000_000;

#[test]
fn second_sigterm_ends_at_once() {
    let lab = Lab::new();
    let (mut spipe, _reads_nothing) = full_of_bytes(&lab, "100");
    spipe.signal(Signal::SIGTERM);
    wait::until("it ended", || {
        spipe.signal(Signal::SIGTERM);
        !spipe.is_running()
    });
    spipe.wait().expect_success();
}

#[test]
fn reader_that_takes_a_little_now_and_then_does_not_keep_it_after_sigterm() {
    let lab = Lab::new();
    let (mut spipe, mut reader) = full_of_bytes(&lab, "1");
    spipe.signal(Signal::SIGTERM);
    let mut taken = 0;
    while spipe.is_running() {
        taken += reader.receive(4000).len();
        assert!(taken < STUCK / 2, "it stayed for {taken} bytes");
        wait::observe(Duration::from_millis(20));
    }
    spipe.wait().expect_success();
}

/// A `spipe` with this time limit, and the other end of its connection, which
/// can hold no more.
fn full_of_bytes(lab: &Lab, time_limit: &str) -> (Process, Conn) {
    let backend = Backend::narrow(lab);
    let spipe = Spipe::to(lab, backend.endpoint()).time_limit(time_limit).start();
    let conn = Handshake::begin(backend.accept(), Side::Server, KEY).complete().conn;
    let mut stdin = spipe.stdin;
    // Until it has ended.
    std::thread::spawn(move || while stdin.write_all(&[0; 4096]).is_ok() {});
    wait::until("its connection was full", || {
        procfs::in_flight(conn.peer_address(), conn.local_address()) > Some(STUCK)
    });
    (spipe.process, conn)
}
