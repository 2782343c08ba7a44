//! Crypt sides that end where they should not.

use spiped_tests::{AgainstClient, AgainstServer, Ending, KEY};

#[test]
fn server_notices_an_end_within_the_nonce() {
    let server = AgainstServer::start(&[]);
    let mut conn = server.daemon.connect();
    conn.send([0; 10]);
    conn.half_close();
    assert_eq!(conn.receive_to_end().0.len(), 32);
    server.daemon.process.wait_for_stderr("handshake");
    assert_eq!(server.backend.accepted(), 0);
}

#[test]
fn server_notices_an_end_within_the_key_share() {
    let server = AgainstServer::start(&[]);
    let mut handshake = server.handshake();
    let share = handshake.key_share(&handshake.public_value());
    handshake.conn.send(&share[..287]);
    handshake.conn.half_close();
    handshake.conn.expect_end_without_data();
    server.daemon.process.wait_for_stderr("handshake");
    assert_eq!(server.backend.accepted(), 0);
}

#[test]
fn client_notices_an_end_within_the_handshake() {
    let client = AgainstClient::start(&[]);
    let (mut application, handshake) = client.handshake(KEY);
    handshake.conn.half_close();
    application.expect_end_without_data();
    client.daemon.process.wait_for_stderr("handshake");
}

#[test]
fn application_sees_a_reset_after_half_a_packet() {
    let client = AgainstClient::start(&[]);
    let (mut application, mut session) = client.session();
    let half = session.packet(b"half");
    session.conn.send(&half[..1059]);
    session.conn.half_close();
    application.expect_nothing_but(Ending::Reset);
    client.daemon.process.wait_for_stderr("truncated inside a packet");
}

#[test]
fn end_between_packets_is_a_clean_end() {
    let server = AgainstServer::start(&[]);
    let (mut session, mut target) = server.session();
    session.send(b"whole");
    session.conn.half_close();
    assert_eq!(target.receive_all(), b"whole");
    target.send(b"reply");
    assert_eq!(session.receive(), b"reply");
    drop(target);
    session.conn.expect_nothing_but(Ending::Closed);
}

#[test]
fn reset_of_the_crypt_side_resets_the_application() {
    let client = AgainstClient::start(&[]);
    let (mut application, mut session) = client.session();
    session.send(b"whole");
    assert_eq!(application.receive(5), b"whole");
    session.conn.reset();
    application.expect_nothing_but(Ending::Reset);
}

#[test]
fn reset_of_the_crypt_side_resets_the_target() {
    let server = AgainstServer::start(&[]);
    let (mut session, mut target) = server.session();
    session.send(b"whole");
    assert_eq!(target.receive(5), b"whole");
    session.conn.reset();
    target.expect_nothing_but(Ending::Reset);
}
