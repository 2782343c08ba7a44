//! Who connects to one that waits.

use spiped_core::Side;
use spiped_core::pairing::{HELLO_LEN, VALUE_LEN};
use spiped_tests::{Backend, Conn, Endpoint, Lab, procfs, wait};

use super::{ByHand, CODE, Pairer, expect_files, expect_same_key};

#[test]
fn port_scan_does_not_spoil_a_pairing() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen(&lab, &at, "here", &[]);
    // Comes and goes, says something else, or the half of it, or nothing.
    drop(Conn::to(&at));
    let mut http = Conn::to(&at);
    http.send("GET / HTTP/1.1\r\n\r\n");
    http.expect_end_without_data();
    let mut half = Conn::to(&at);
    half.send(b"spiped-pair-v1\x01C");
    let _silent = Conn::to(&at);

    let mut there = Pairer::connect(&lab, &at, "there", &[]);
    assert_eq!(here.digits(), there.digits());
    here.say("yes\n");
    there.say("yes\n");
    assert_eq!(here.expect_key("here"), there.expect_key("there"));
    expect_same_key(&lab, ["here", "there"]);
    // Who was not the peer got nothing.
    half.expect_end_without_data();
    assert!(here.process.stderr().contains("is not spiped pair"));
}

#[test]
fn one_that_waits_says_who_connected() {
    let lab = Lab::new();
    let at = lab.tcp();
    let here = Pairer::listen(&lab, &at, "here", &[]);
    let _stranger = Conn::to(&at);
    let first = ByHand::new(Side::Client, None, Conn::to(&at));
    let name = Endpoint::Tcp(first.conn.local_address());
    here.process.wait_for_stderr(&format!("Connection from {name}\n"));
    assert_eq!(here.process.stderr().matches("Connection from").count(), 1);

    let at = lab.unix("socket");
    let here = Pairer::listen(&lab, &at, "there", &[]);
    let _first = ByHand::new(Side::Client, None, Conn::to(&at));
    let pid = std::process::id();
    here.process.wait_for_stderr(&format!("Connection from process {pid} of uid "));
}

#[test]
fn silent_callers_are_dropped() {
    let lab = Lab::new();
    let at = lab.tcp();
    // More than are listened to at a time.
    let mut here = Pairer::listen(&lab, &at, "here", &["--code", CODE]);
    let silent: Vec<_> = (0..20).map(|_| Conn::to(&at)).collect();
    here.process.wait_for_stderr("nothing received within 5 s");
    let mut there = Pairer::connect(&lab, &at, "there", &["--code", CODE]);
    assert_eq!(here.expect_key("here"), there.expect_key("there"));
    drop(silent);
}

#[test]
fn flood_of_strangers_ends_it() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen(&lab, &at, "here", &[]);
    for _ in 0..100 {
        let mut stranger = Conn::to(&at);
        stranger.try_send("x");
        stranger.expect_end_without_data();
    }
    here.expect_failure("100 connections came from programs other than spiped pair");
    expect_files(&lab, &[]);
}

#[test]
fn first_peer_is_the_only_one() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen(&lab, &at, "here", &[]);
    let mut first = ByHand::new(Side::Client, None, Conn::to(&at));
    first.receive(HELLO_LEN);
    wait::until("the port is closed", || !procfs::is_listening(&at));
    assert!(Conn::connect(&at).is_err());
    assert_eq!(here.digits(), first.digits());
    drop(first);
    here.expect_failure("it closed the connection");
    expect_files(&lab, &[]);
}

#[test]
fn value_that_was_not_committed_to_is_final() {
    let lab = Lab::new();
    let at = lab.tcp();
    let mut here = Pairer::listen(&lab, &at, "here", &[]);
    let mut first = ByHand::new(Side::Client, None, Conn::to(&at));
    first.conn.receive(HELLO_LEN);
    first.conn.send([9; VALUE_LEN]);
    here.expect_failure("its public value differs from its commitment");
    assert!(!procfs::is_listening(&at));
    expect_files(&lab, &[]);
}

#[test]
fn nobody_there_and_somebody_else_there_are_told_apart() {
    let lab = Lab::new();
    let mut there = Pairer::connect(&lab, &lab.tcp(), "there", &[]);
    there.expect_failure("is spiped pair --listen running there?");

    let backend = Backend::manual(&lab);
    let mut there = Pairer::connect(&lab, backend.endpoint(), "there", &[]);
    backend.accept().send("SSH-2.0-x\r\n");
    there.expect_failure("it does not speak the protocol of spiped pair");

    // An echo is is not spiped pair.
    let echo = Backend::echo(&lab);
    let mut there = Pairer::connect(&lab, echo.endpoint(), "there", &[]);
    there.expect_failure("run --listen on one host and --connect on the other");
    expect_files(&lab, &[]);
}
