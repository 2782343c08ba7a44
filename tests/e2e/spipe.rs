//! The client between standard input and output.

use std::io::{Read, Write};

use nix::libc::SIGPIPE;
use nix::sys::signal::Signal;
use spiped_tests::payload::bytes;
use spiped_tests::wire::{Handshake, PACKET_LEN, Side};
use spiped_tests::{Backend, Daemon, Ending, KEY, Lab, OTHER_KEY, Spipe, Spiped, wait};

#[test]
fn file_through_standard_input_comes_back() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    let content = bytes(1, 1_000_000);
    let exit = Spipe::to(&lab, server.source()).run_on(&lab.write("input", &content));
    exit.expect_success();
    assert!(exit.stdout == content, "{} bytes came", exit.stdout.len());
    assert_eq!(exit.stderr, "");
}

#[test]
fn late_reply_after_the_end_of_input_arrives_whole() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    spipe.stdin.write_all(b"request").unwrap();
    drop(spipe.stdin);
    let mut target = backend.accept();
    assert_eq!(target.receive_all(), b"request");
    assert!(spipe.process.is_running());
    let reply = bytes(2, 3_000_000);
    let expected = reply.clone();
    let sender = std::thread::spawn(move || target.send(reply));
    let mut received = Vec::new();
    spipe.stdout.read_to_end(&mut received).unwrap();
    sender.join().unwrap();
    assert!(received == expected, "{} bytes came", received.len());
    spipe.process.wait().expect_success();
}

#[test]
fn refused_connection_is_reported() {
    let lab = Lab::new();
    let mut spipe = Spipe::to(&lab, &lab.tcp()).start();
    spipe.process.wait().expect_failure("Connection refused");
}

#[test]
fn missing_unix_socket_is_reported() {
    let lab = Lab::new();
    let mut spipe = Spipe::to(&lab, &lab.unix("nobody-here")).start();
    let exit = spipe.process.wait();
    exit.expect_failure("No such file or directory");
}

#[test]
fn unresolvable_target_is_reported() {
    let lab = Lab::new();
    let mut spipe = Spipe::to(&lab, &"nonexistent.invalid:1").start();
    let exit = spipe.process.wait();
    exit.expect_failure("Error looking up nonexistent.invalid");
}

#[test]
fn missing_key_file_is_reported() {
    let lab = Lab::new();
    let mut spipe = Spipe::to(&lab, &lab.tcp()).key("missing").start();
    let exit = spipe.process.wait();
    exit.expect_failure("Cannot open file: missing: No such file or directory");
}

#[test]
fn server_with_another_key_is_reported() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut spipe = Spipe::to(&lab, backend.endpoint()).start();
    let mut impostor = Handshake::begin(backend.accept(), Side::Server, OTHER_KEY);
    let share = impostor.public_value();
    impostor.send(&share);
    spipe.process.wait().expect_failure("wrong key");
}

#[test]
fn server_that_hangs_up_in_the_handshake_is_reported() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    let spipe = Spipe::to(&lab, server.source()).key(lab.other_key());
    spipe.start().process.wait().expect_failure("handshake");
}

#[test]
fn server_without_forward_secrecy_is_reported() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).args(&["-f"]);
    let server = server.start();
    let spipe = Spipe::to(&lab, server.source()).args(&["-g"]);
    spipe.start().process.wait().expect_failure("forward secrecy");
}

#[test]
fn silent_server_is_given_up() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let spipe = Spipe::to(&lab, backend.endpoint()).time_limit("0.5");
    let mut spipe = spipe.start();
    let _silent = backend.accept();
    spipe.process.wait().expect_failure("timed out");
}

#[test]
fn truncated_packet_is_reported() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut spipe = Spipe::to(&lab, backend.endpoint()).start();
    let mut session = Handshake::begin(backend.accept(), Side::Server, KEY).complete();
    session.send(b"whole");
    let half = session.packet(b"half");
    session.conn.send(&half[..100]);
    session.conn.half_close();
    let mut received = Vec::new();
    spipe.stdout.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"whole");
    spipe.process.wait().expect_failure("truncated inside a packet");
}

#[test]
fn forged_packet_is_reported() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut spipe = Spipe::to(&lab, backend.endpoint()).start();
    let mut session = Handshake::begin(backend.accept(), Side::Server, KEY).complete();
    session.conn.send([0; PACKET_LEN]);
    spipe.process.wait().expect_failure("forged");
}

#[test]
fn closed_standard_output_kills_with_sigpipe() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    let mut target = backend.accept();
    drop(spipe.stdout);
    wait::until("it noticed", || {
        target.try_send(b"nobody reads this");
        !spipe.process.is_running()
    });
    assert_eq!(spipe.process.wait().signal(), Some(SIGPIPE));
}

#[test]
fn sigterm_ends_with_success() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    spipe.stdin.write_all(b"x").unwrap();
    spipe.stdout.read_exact(&mut [0]).unwrap();
    spipe.process.signal(Signal::SIGTERM);
    spipe.process.wait().expect_success();
}

#[test]
fn sighup_and_sigusr1_kill() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = server(&lab, &backend);
    for signal in [Signal::SIGHUP, Signal::SIGUSR1] {
        let mut spipe = Spipe::to(&lab, server.source()).start();
        spipe.stdin.write_all(b"x").unwrap();
        spipe.stdout.read_exact(&mut [0]).unwrap();
        spipe.process.signal(signal);
        assert_eq!(spipe.process.wait().signal(), Some(signal as i32));
    }
}

#[test]
fn reset_by_the_target_fails() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    backend.accept().reset();
    spipe.process.wait().expect_failure("");
}

#[test]
fn key_from_standard_input_leaves_nothing_to_send() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).key("-").start();
    spipe.stdin.write_all(KEY).unwrap();
    drop(spipe.stdin);
    let mut target = backend.accept();
    assert_eq!(target.receive_all(), b"");
    target.send(b"received all the same");
    drop(target);
    let mut received = Vec::new();
    spipe.stdout.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"received all the same");
    spipe.process.wait().expect_success();
}

#[test]
fn end_of_the_target_leaves_the_input_open() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let mut spipe = Spipe::to(&lab, server.source()).start();
    let mut target = backend.accept();
    target.send(b"x");
    target.half_close();
    spipe.stdout.read_exact(&mut [0]).unwrap();
    spipe.stdin.write_all(b"late").unwrap();
    assert_eq!(target.receive(4), b"late");
    drop(spipe.stdin);
    target.expect_nothing_but(Ending::Closed);
    spipe.process.wait().expect_success();
}

#[test]
fn one_socket_may_be_both_streams_and_shows_the_end_of_the_target() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = server(&lab, &backend);
    let (mut process, mut conn) = Spipe::to(&lab, server.source()).start_on_socket();
    let mut target = backend.accept();
    conn.send(b"request");
    assert_eq!(target.receive(7), b"request");
    target.send(b"reply");
    target.half_close();
    assert_eq!(conn.receive_all(), b"reply");
    conn.send(b"late");
    conn.half_close();
    assert_eq!(target.receive_all(), b"late");
    process.wait().expect_success();
}

#[track_caller]
fn server(lab: &Lab, backend: &Backend) -> Daemon {
    Spiped::decrypt(lab, backend.endpoint()).start()
}
