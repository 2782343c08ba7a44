//! Packets that were changed, moved, repeated or made up.

use spiped_tests::wire::{PACKET_LEN, PLAIN_MAX, Session};
use spiped_tests::{AgainstClient, AgainstServer, Ending};

#[test]
fn packet_with_any_bit_changed_is_refused() {
    for position in [0, PLAIN_MAX, PACKET_LEN - 32, PACKET_LEN - 1] {
        refused_by_server(b"", "forged", |session| {
            let mut packet = session.packet(b"made up");
            packet[position] ^= 0x80;
            packet.to_vec()
        });
    }
}

#[test]
fn packet_after_a_forged_one_is_not_delivered() {
    refused_by_server(b"one", "forged", |session| {
        let mut packets = [b"one", b"two", b"six"].map(|message| session.packet(message)).concat();
        packets[PACKET_LEN] ^= 0x80;
        packets
    });
}

#[test]
fn repeated_packet_is_refused() {
    refused_by_server(b"once", "forged", |session| {
        let packet = session.packet(b"once");
        [packet, packet].concat()
    });
}

#[test]
fn swapped_packets_are_refused() {
    refused_by_server(b"", "forged", |session| {
        let first = session.packet(b"first");
        let second = session.packet(b"second");
        [second, first].concat()
    });
}

#[test]
fn omitted_packet_is_noticed() {
    refused_by_server(b"first", "forged", |session| {
        let first = session.packet(b"first");
        session.packet(b"second");
        [first, session.packet(b"third")].concat()
    });
}

/// protocol.md P-4.
#[test]
fn impossible_lengths_are_refused() {
    for length in [0, 1025, 0xffff_ffff] {
        refused_by_server(b"fine", "length", |session| {
            let fine = session.packet(b"fine");
            let wrong = session.packet_declaring(length, &[b'x'; PLAIN_MAX]);
            [fine, wrong].concat()
        });
    }
}

#[test]
fn padding_is_not_looked_at() {
    let server = AgainstServer::start(&[]);
    let (mut session, mut target) = server.session();
    let packet = session.packet_declaring(5, &[0xaa; PLAIN_MAX]);
    session.conn.send(packet);
    session.send(b"!");
    assert_eq!(target.receive(6), b"\xaa\xaa\xaa\xaa\xaa!");
}

#[test]
fn client_refuses_a_forged_packet_and_delivers_those_before() {
    refused_by_client(b"good", |session| {
        let good = session.packet(b"good");
        let mut forged = session.packet(b"bad");
        forged[17] ^= 0x04;
        session.conn.send([good, forged].concat());
    });
}

#[test]
fn client_refuses_its_own_packet_sent_back() {
    refused_by_client(b"", |session| {
        let packet = session.conn.receive(PACKET_LEN);
        session.conn.send(packet);
    });
}

#[test]
fn bytes_one_at_a_time_are_a_valid_stream() {
    let server = AgainstServer::start(&[]);
    let mut handshake = server.handshake();
    for byte in handshake.key_share(&handshake.public_value()) {
        handshake.conn.send([byte]);
    }
    let theirs = handshake.receive();
    let shared = handshake.shared_value(&theirs);
    let mut session = handshake.establish(&shared);
    for byte in session.packet(b"slowly") {
        session.conn.send([byte]);
    }
    assert_eq!(server.backend.accept().receive(6), b"slowly");
}

#[test]
fn key_share_and_first_packet_in_one_segment_are_a_valid_stream() {
    let client = AgainstClient::start(&[]);
    let (mut application, share, mut session) = client.unanswered();
    let both = [&share[..], &session.packet(b"at once")].concat();
    session.conn.send(both);
    assert_eq!(application.receive(7), b"at once");
}

/// However the bytes are split, it is the same: protocol.md F-1, F-2.
#[test]
fn bad_packet_right_after_the_servers_key_share_resets_both_sides() {
    for good in [&b""[..], b"good"] {
        let client = AgainstClient::start(&[]);
        let (mut application, share, mut session) = client.unanswered();
        let mut packets = Vec::new();
        if !good.is_empty() {
            packets.extend(session.packet(good));
        }
        packets.extend([0; PACKET_LEN]);
        session.conn.send([&share[..], &packets].concat());
        assert_eq!(application.receive_to_end(), (good.to_vec(), Ending::Reset));
        session.conn.expect_nothing_but(Ending::Reset);
        client.daemon.process.wait_for_stderr("forged");
    }
}

/// protocol.md F-2.
#[test]
fn bad_packet_right_after_the_clients_key_share_resets_both_sides() {
    let server = AgainstServer::start(&[]);
    let mut handshake = server.handshake();
    let share = handshake.key_share(&handshake.public_value());
    handshake.conn.send([&share[..], &[0; PACKET_LEN]].concat());
    assert_eq!(handshake.conn.receive_to_end().1, Ending::Reset);
    server.backend.accept().expect_nothing_but(Ending::Reset);
    server.daemon.process.wait_for_stderr("forged");
}

/// The target gets `delivered` and a reset, the log the reason; others are
/// still served.
#[track_caller]
fn refused_by_server(delivered: &[u8], reason: &str, make: impl Fn(&mut Session) -> Vec<u8>) {
    let server = AgainstServer::start(&[]);
    let (mut session, mut target) = server.session();
    let packets = make(&mut session);
    session.conn.send(packets);
    let expected = (delivered.to_vec(), Ending::Reset);
    assert_eq!(target.receive_to_end(), expected);
    session.conn.expect_end_without_data();
    server.daemon.process.wait_for_stderr(reason);
    server.expect_service();
}

/// The application gets `delivered` and a reset, the log the reason.
#[track_caller]
fn refused_by_client(delivered: &[u8], misbehave: impl Fn(&mut Session)) {
    let client = AgainstClient::start(&[]);
    let (mut application, mut session) = client.session();
    application.send(b"request");
    misbehave(&mut session);
    let expected = (delivered.to_vec(), Ending::Reset);
    assert_eq!(application.receive_to_end(), expected);
    client.daemon.process.wait_for_stderr("forged");
}
