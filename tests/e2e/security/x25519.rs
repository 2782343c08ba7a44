//! The key exchange X25519 between real programs: who refuses whom, and that
//! no truncated stream goes unnoticed.

use std::time::Duration;

use spiped_tests::wire::{PACKET_LEN, Session};
use spiped_tests::{AgainstClient, AgainstServer, Backend, Conn, Ending, KEY, Lab, Spipe, Spiped};

const X25519: &[&str] = &["--kex", "x25519"];

/// An established connection with a `spiped -d`, and what it is at the target.
fn client_of(server: &AgainstServer) -> (Session, Conn) {
    let session = server.handshake().complete_x25519();
    (session, server.backend.accept())
}

/// An application's connection to a `spiped -e`, and the other end of it.
fn server_of(client: &AgainstClient) -> (Conn, Session) {
    let (application, handshake) = client.handshake(KEY);
    (application, handshake.complete_x25519())
}

/// Two packets and the end mark.
fn stream(session: &mut Session) -> Vec<u8> {
    [session.packet(b"one"), session.packet(b"two"), session.end_mark()].concat()
}

/// What comes through of so many packets of the stream.
const THROUGH: [&[u8]; 3] = [b"", b"one", b"onetwo"];

/// protocol.md E-7, F-2.
#[test]
fn target_sees_a_reset_unless_the_end_was_meant() {
    let server = AgainstServer::start(&[]);
    for (packets, through) in THROUGH.into_iter().enumerate() {
        let (mut session, mut target) = client_of(&server);
        let stream = stream(&mut session);
        session.conn.send(&stream[..packets * PACKET_LEN]);
        session.conn.half_close();
        assert_eq!(target.receive_to_end(), (through.to_vec(), Ending::Reset));
    }
    server.daemon.process.wait_for_stderr("truncated: the end mark is missing");
    let (mut session, mut target) = client_of(&server);
    let stream = stream(&mut session);
    session.conn.send(&stream[..stream.len() - 1]);
    session.conn.half_close();
    assert_eq!(target.receive_to_end(), (b"onetwo".to_vec(), Ending::Reset));
    server.daemon.process.wait_for_stderr("truncated inside a packet");
}

#[test]
fn application_sees_a_reset_unless_the_end_was_meant() {
    let client = AgainstClient::start(X25519);
    for (packets, through) in THROUGH.into_iter().enumerate() {
        let (mut application, mut session) = server_of(&client);
        let stream = stream(&mut session);
        session.conn.send(&stream[..packets * PACKET_LEN]);
        session.conn.half_close();
        assert_eq!(application.receive_to_end(), (through.to_vec(), Ending::Reset));
    }
    client.daemon.process.wait_for_stderr("truncated: the end mark is missing");
}

/// As docs/protocol.md says of upstream's form: nobody can tell.
#[test]
fn without_end_marks_a_truncation_between_packets_looks_like_an_end() {
    for (packets, through) in THROUGH.into_iter().enumerate() {
        let server = AgainstServer::start(&[]);
        let (mut session, mut target) = server.session();
        for message in [&b"one"[..], b"two"].iter().take(packets) {
            session.send(message);
        }
        session.conn.half_close();
        assert_eq!(target.receive_all(), through);

        let client = AgainstClient::start(&[]);
        let (mut application, mut session) = client.session();
        for message in [&b"one"[..], b"two"].iter().take(packets) {
            session.send(message);
        }
        session.conn.half_close();
        assert_eq!(application.receive_all(), through);
    }
}

/// protocol.md E-1.
#[test]
fn end_that_was_meant_ends_one_direction() {
    let server = AgainstServer::start(X25519);
    let (mut session, mut target) = client_of(&server);
    let stream = stream(&mut session);
    session.conn.send(stream);
    session.conn.half_close();
    assert_eq!(target.receive_all(), b"onetwo");
    target.send(b"reply");
    assert_eq!(session.receive(), b"reply");
    drop(target);
    assert_eq!(session.receive(), b"", "the end mark");
    session.conn.expect_nothing_but(Ending::Closed);
    assert_eq!(server.daemon.process.stderr(), "");
}

/// protocol.md E-3.
#[test]
fn end_mark_without_the_end_of_the_stream_ends_nothing() {
    let server = AgainstServer::start(X25519);
    let (mut session, mut target) = client_of(&server);
    let stream = stream(&mut session);
    session.conn.send(stream);
    assert_eq!(target.receive(6), b"onetwo");
    assert!(target.is_silent_for(Duration::from_millis(500)));
    session.conn.half_close();
    target.expect_nothing_but(Ending::Closed);
}

/// protocol.md E-2.
#[test]
fn application_that_breaks_off_gets_no_end_mark() {
    let client = AgainstClient::start(X25519);
    let (mut application, mut session) = server_of(&client);
    application.send(b"half of it");
    assert_eq!(session.receive(), b"half of it");
    application.reset();
    session.conn.expect_nothing_but(Ending::Reset);

    let server = AgainstServer::start(X25519);
    let (mut session, mut target) = client_of(&server);
    target.send(b"half of it");
    assert_eq!(session.receive(), b"half of it");
    target.reset();
    session.conn.expect_nothing_but(Ending::Reset);
}

/// protocol.md E-5.
#[test]
fn bytes_after_the_end_mark_reset_the_target() {
    let server = AgainstServer::start(&[]);
    let (mut session, mut target) = client_of(&server);
    let stream = stream(&mut session);
    let more = session.packet(b"three");
    session.conn.send([&stream[..], &more].concat());
    assert_eq!(target.receive_to_end(), (b"onetwo".to_vec(), Ending::Reset));
    server.daemon.process.wait_for_stderr("bytes came after its end mark");
}

/// protocol.md F-2.
#[test]
fn key_share_changed_anywhere_is_refused_in_silence() {
    let server = AgainstServer::start(X25519);
    for at in 0..64 {
        let mut handshake = server.handshake();
        let mut share = handshake.x25519_key_share();
        share[at] ^= 1;
        handshake.conn.send(share);
        handshake.conn.expect_end_without_data();
    }
    server.daemon.process.wait_for_stderr("wrong key");
    assert_eq!(server.backend.accepted(), 0);
}

#[test]
fn server_that_accepts_both_says_what_it_waited_for() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let server = Spiped::decrypt(&lab, backend.endpoint()).time_limit("1").start();
    let mut client = Spipe::to(&lab, server.source()).key(lab.other_key()).args(X25519).start();
    client.process.wait().expect_failure("wrong key, or a spiped -d there that does not support");
    server.process.wait_for_stderr(": refused: wrong key, or not a spiped peer, after 1.");
    assert_eq!(backend.accepted(), 0);
}

/// protocol.md H-3, A-4, A-7.
#[test]
fn restricted_server_refuses_the_other_exchange() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    for (server, client, reason) in [
        ("x25519", "modp2048", ", or one without --kex x25519, which is required here"),
        (
            "modp2048",
            "x25519",
            ": refused: it has the right key and uses --kex x25519, which --kex modp2048 here \
             does not accept",
        ),
    ] {
        let server =
            Spiped::decrypt(&lab, backend.endpoint()).args(&["--kex", server]).time_limit("1");
        let server = server.start();
        let mut client = Spipe::to(&lab, server.source()).args(&["--kex", client]).start();
        client.process.wait().expect_failure("Handshake failed");
        server.process.wait_for_stderr(reason);
    }
    assert_eq!(backend.accepted(), 0);
}
