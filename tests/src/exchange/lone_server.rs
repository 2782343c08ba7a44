//! A server, and a test that plays its clients.

use crate::payload::bytes;
use crate::wire::{Handshake, PACKET_LEN, Session};
use crate::{AgainstServer, Conn, Origin};

/// An established connection with it, and what that is at the target.
struct Lone {
    origin: Origin,
    server: AgainstServer,
    session: Session,
    target: Conn,
}

impl Lone {
    #[track_caller]
    fn start(origin: Origin, complete: impl FnOnce(Handshake) -> Session) -> Self {
        let server = start(origin);
        let session = complete(server.handshake());
        let target = server.backend.accept();
        Self { origin, server, session, target }
    }

    /// Ends the stream, and checks that the connection breaks for this reason after
    /// these bytes. Others are still served.
    #[track_caller]
    fn expect_failure(mut self, received: &[u8], case: &'static str) {
        self.session.conn.half_close();
        assert!(self.target.receive(received.len()) == received);
        self.origin.expect_plain_break(&mut self.target);
        self.origin.expect_crypt_break(&mut self.session.conn);
        expect_reason(&self.server, self.origin, case);
        self.server.expect_service();
    }
}

/// What was authenticated comes out.
pub fn forged_packet_after_good_ones(origin: Origin) {
    let mut lone = Lone::start(origin, Handshake::complete);
    let mut packets =
        [&b"one"[..], b"two", b"three"].map(|text| lone.session.packet(text)).concat();
    packets[2 * PACKET_LEN] ^= 0x80;
    lone.session.conn.send(packets);
    lone.expect_failure(b"onetwo", "forged-packet");
}

/// The target must not take it for the end.
pub fn truncated_packet(origin: Origin) {
    let mut lone = Lone::start(origin, Handshake::complete);
    lone.session.send(b"whole");
    let half = lone.session.packet(b"half");
    lone.session.conn.send(&half[..100]);
    lone.expect_failure(b"whole", "truncated-in-packet");
}

/// The same between two packets, which only X25519 can tell from an end.
pub fn truncated_before_end_mark(origin: Origin) {
    let mut lone = Lone::start(origin, Handshake::complete_x25519);
    lone.session.send(b"half of it");
    lone.expect_failure(b"half of it", "truncated-before-end-mark");
}

/// It gets a nonce and the end, and the next holder of the key gets served.
pub fn stranger(origin: Origin) {
    let server = start(origin);
    let mut stranger = server.daemon.connect();
    stranger.send(bytes(5, 320));
    assert_eq!(stranger.receive_to_end().0.len(), 32, "a nonce and no more");
    expect_reason(&server, origin, "wrong-key");
    assert_eq!(server.backend.accepted(), 0);
    server.expect_service();
}

/// It is one to the peer, too.
pub fn reset_by_the_target(origin: Origin) {
    let mut lone = Lone::start(origin, Handshake::complete);
    lone.target.reset();
    lone.origin.expect_crypt_break(&mut lone.session.conn);
}

/// A server cannot tell at once a client with another key exchange from one that
/// has more to say: it knows when that one, or the time, has ended.
pub fn key_exchange_not_accepted(origin: Origin) {
    for (time_limit, client_ends) in [("30", true), ("0.5", false)] {
        let server = AgainstServer::start_with(|server| {
            server.of(origin).args(&["--kex", "modp2048"]).time_limit(time_limit)
        });
        let mut handshake = server.handshake();
        handshake.conn.send(handshake.x25519_key_share());
        if client_ends {
            handshake.conn.half_close();
        }
        handshake.conn.expect_end_without_data();
        expect_reason(&server, origin, "key-exchange-not-accepted");
        assert_eq!(server.backend.accepted(), 0);
    }
}

#[track_caller]
fn start(origin: Origin) -> AgainstServer {
    AgainstServer::start_with(|server| server.of(origin))
}

#[track_caller]
fn expect_reason(server: &AgainstServer, origin: Origin, case: &'static str) {
    if let Some(words) = origin.says(case) {
        server.daemon.process.wait_for_stderr(words);
    }
}
