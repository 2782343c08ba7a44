//! Key shares that a holder of the key should not have sent, to either side.

use spiped_tests::wire::{self, PublicValue};
use spiped_tests::{AgainstClient, AgainstServer, KEY, OTHER_KEY};

const HIGHEST: PublicValue = [0xff; 256];

#[test]
fn server_refuses_values_out_of_range() {
    server_refuses(&[], &wire::prime(), "out of range");
    server_refuses(&[], &HIGHEST, "out of range");
}

#[test]
fn client_refuses_values_out_of_range() {
    client_refuses(&[], &wire::prime(), "out of range");
    client_refuses(&[], &HIGHEST, "out of range");
}

#[test]
fn server_that_requires_forward_secrecy_refuses_values_that_defeat_it() {
    for value in [wire::zero(), wire::one(), wire::prime_minus_one()] {
        server_refuses(&["-g"], &value, "forward secrecy");
    }
}

#[test]
fn client_that_requires_forward_secrecy_refuses_values_that_defeat_it() {
    for value in [wire::zero(), wire::one(), wire::prime_minus_one()] {
        client_refuses(&["-g"], &value, "forward secrecy");
    }
}

#[test]
fn server_accepts_degenerate_values_unless_told_otherwise() {
    for value in [wire::zero(), wire::one()] {
        let server = AgainstServer::start(&[]);
        let mut handshake = server.handshake();
        handshake.send(&value);
        handshake.receive();
        // Any power of 0 is 0, and of 1 is 1.
        let mut session = handshake.establish(&value);
        let mut target = server.backend.accept();
        session.send(b"degenerate");
        assert_eq!(target.receive(10), b"degenerate");
    }
}

#[test]
fn server_answers_the_highest_value_in_range() {
    let server = AgainstServer::start(&[]);
    let mut handshake = server.handshake();
    handshake.send(&wire::prime_minus_one());
    handshake.receive();
}

/// protocol.md H-6.
#[test]
fn end_without_forward_secrecy_sends_one() {
    let server = AgainstServer::start(&["-f"]);
    let mut handshake = server.handshake();
    let ours = handshake.public_value();
    handshake.send(&ours);
    assert_eq!(handshake.receive(), wire::one());
    let mut session = handshake.establish(&wire::one());
    session.send(b"weak");
    assert_eq!(server.backend.accept().receive(4), b"weak");
}

#[test]
fn server_refuses_a_share_with_any_bit_changed() {
    for position in [0, 128, 255, 256, 287] {
        let server = AgainstServer::start(&[]);
        let mut handshake = server.handshake();
        let mut share = handshake.key_share(&handshake.public_value());
        share[position] ^= 0x01;
        handshake.conn.send(share);
        handshake.conn.expect_end_without_data();
        server.daemon.process.wait_for_stderr("wrong key");
        assert_eq!(server.backend.accepted(), 0);
    }
}

#[test]
fn client_refuses_a_server_with_another_key() {
    let client = AgainstClient::start(&[]);
    let (mut application, mut handshake) = client.handshake(OTHER_KEY);
    let ours = handshake.public_value();
    handshake.send(&ours);
    application.expect_end_without_data();
    client.daemon.process.wait_for_stderr("wrong key");
}

#[test]
fn client_refuses_its_own_share_sent_back() {
    let client = AgainstClient::start(&[]);
    let (mut application, mut handshake) = client.handshake(KEY);
    let share = handshake.conn.receive(288);
    handshake.conn.send(share);
    application.expect_end_without_data();
    client.daemon.process.wait_for_stderr("wrong key");
}

#[track_caller]
fn server_refuses(args: &[&str], value: &PublicValue, reason: &str) {
    let server = AgainstServer::start(args);
    let mut handshake = server.handshake();
    handshake.send(value);
    handshake.conn.expect_end_without_data();
    server.daemon.process.wait_for_stderr(reason);
    server.expect_service();
}

#[track_caller]
fn client_refuses(args: &[&str], value: &PublicValue, reason: &str) {
    let client = AgainstClient::start(args);
    let (mut application, mut handshake) = client.handshake(KEY);
    application.send(b"this must not leave");
    handshake.receive();
    handshake.send(value);
    handshake.conn.expect_end_without_data();
    application.expect_end_without_data();
    client.daemon.process.wait_for_stderr(reason);
}
