//! What a reader sees of a stream that failed: WASI has no reset, and must not
//! make an end of it.

use std::time::Duration;

use spiped_tests::wire::{Handshake, Session, Side};
use spiped_tests::{
    Backend, Conn, Ending, KEY, Lab, Origin, Process, RunningSpipe, Spiped as Native,
};

use super::{Spiped, spipe};

/// Our `-d`, a client played by the test, and the target.
struct Lone {
    lab: Lab,
    server: Spiped,
    backend: Backend,
    session: Session,
    target: Conn,
}

impl Lone {
    #[track_caller]
    fn start(complete: impl FnOnce(Handshake) -> Session, args: &[&str]) -> Self {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        let server = Spiped::start(&lab, "-d", &backend.endpoint().to_string(), args);
        let session = complete(Handshake::begin(server.connect(), Side::Client, KEY));
        let target = backend.accept();
        Self { lab, server, backend, session, target }
    }

    /// What was authenticated arrives; no end does. The log says why.
    #[track_caller]
    fn expect_withheld(&mut self, received: &[u8], reason: &str) {
        assert_eq!(self.target.receive(received.len()), received);
        self.server.process.wait_for_stderr(reason);
        assert!(self.target.is_silent_for(SILENCE), "the target took it for the end");
    }

    #[track_caller]
    fn expect_service(&self) {
        let client = Native::encrypt(&self.lab, &self.server.source).of(Origin::Debian).start();
        let mut conn = client.connect();
        conn.send(b"next");
        assert_eq!(self.backend.accept().receive(4), b"next");
    }
}

#[test]
fn end_of_a_truncated_packet_is_withheld() {
    let mut lone = Lone::start(Handshake::complete, &[]);
    lone.session.send(b"whole");
    let half = lone.session.packet(b"half");
    lone.session.conn.send(&half[..500]);
    lone.session.conn.half_close();
    lone.expect_withheld(b"whole", "truncated inside a packet");
    lone.expect_service();
}

#[test]
fn end_before_the_end_mark_is_withheld() {
    let mut lone = Lone::start(Handshake::complete_x25519, &[]);
    lone.session.send(b"half of it");
    lone.session.conn.half_close();
    lone.expect_withheld(b"half of it", "truncated: the end mark is missing");
}

#[test]
fn end_by_a_reset_is_withheld() {
    let mut lone = Lone::start(Handshake::complete, &[]);
    lone.session.send(b"half of it");
    assert_eq!(lone.target.receive(10), b"half of it");
    let Lone { session, target, server, .. } = lone;
    session.conn.reset();
    server.process.wait_for_stderr("the encrypted side broke");
    assert!(target.is_silent_for(SILENCE), "the target took it for the end");
}

/// What came before the forged packet is delivered.
#[test]
fn end_by_a_forged_packet_is_withheld() {
    let mut lone = Lone::start(Handshake::complete, &[]);
    let [good, mut bad] = [lone.session.packet(b"good"), lone.session.packet(b"bad")];
    bad[0] ^= 1;
    lone.session.conn.send([good, bad].concat());
    lone.expect_withheld(b"good", "packet 1 is forged");
    // To the peer, the other direction is truncated inside a packet.
    let (rest, ending) = lone.session.conn.receive_to_end();
    assert_eq!((rest.len(), ending), (1, Ending::Closed));
}

/// Also by an application that has ended its own direction.
#[test]
fn reader_that_has_ended_its_direction_sees_no_end_either() {
    let mut lone = Lone::start(Handshake::complete, &[]);
    lone.target.half_close();
    assert_eq!(lone.session.conn.receive_all(), b"");
    let half = lone.session.packet(b"half");
    lone.session.conn.send(&half[..500]);
    lone.session.conn.half_close();
    lone.expect_withheld(b"", "truncated inside a packet");
}

/// They count, so that no one can make them many; and are over when the
/// application gives up.
#[test]
fn withheld_connections_are_limited_and_end_with_the_application() {
    let mut lone = Lone::start(Handshake::complete, &["-n", "1"]);
    let half = lone.session.packet(b"half");
    lone.session.conn.send(&half[..500]);
    lone.session.conn.half_close();
    lone.expect_withheld(b"", "truncated inside a packet");
    let Lone { lab, server, backend, session: _session, target } = lone;
    let client = Native::encrypt(&lab, &server.source).of(Origin::Debian).start();
    let mut next = client.connect();
    next.send(b"next");
    server.process.wait_for_stderr("1 connections that failed are still held open");
    assert!(backend.try_accept().is_none());
    target.reset();
    assert_eq!(backend.accept().receive(4), b"next");
}

/// Without a reset to pass on, our own peer is told by half a packet.
#[test]
fn reset_of_the_target_is_no_end_to_our_peer() {
    for mode in ["-d", "-e"] {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        let (wasi, native);
        let (mut conn, far) = if mode == "-d" {
            wasi = Spiped::start(&lab, mode, &backend.endpoint().to_string(), &[]);
            native = Native::encrypt(&lab, &wasi.source).start();
            (native.connect(), backend.accept())
        } else {
            native = Native::decrypt(&lab, backend.endpoint()).start();
            wasi = Spiped::start(&lab, mode, &native.source().to_string(), &[]);
            let near = wasi.connect();
            (backend.accept(), near)
        };
        far.reset();
        conn.expect_nothing_but(Ending::Reset);
        native.process.wait_for_stderr("truncated inside a packet");
    }
}

/// Nothing has come that could be taken for a whole.
#[test]
fn target_that_cannot_be_reached_ends_the_connection() {
    let lab = Lab::new();
    let nobody = lab.tcp().to_string();
    let client = Spiped::start(&lab, "-e", &nobody, &[]);
    client.connect().expect_end_without_data();
    client.process.wait_for_stderr(&format!("Could not connect to {nobody}: "));

    let server = Spiped::start(&lab, "-d", &nobody, &[]);
    let client = Native::encrypt(&lab, &server.source).of(Origin::Debian).start();
    client.connect().expect_end_without_data();
    server.process.wait_for_stderr(&format!("Could not connect to {nobody}: "));
}

#[test]
fn spipe_fails_when_its_stream_is_truncated() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let spipe = RunningSpipe::start(spipe(&lab, backend.endpoint(), &lab.key(), &[]));
    let mut session = Handshake::begin(backend.accept(), Side::Server, KEY).complete();
    session.send(b"whole");
    let half = session.packet(b"half");
    session.conn.send(&half[..500]);
    session.conn.half_close();
    let mut link = spipe.into_link();
    assert_eq!(link.receive(5), b"whole");
    let mut child: Process = link.child.take().unwrap();
    child.wait().expect_failure("spipe: Connection error: truncated inside a packet");
}

/// How long an end is waited for that must not come.
const SILENCE: Duration = Duration::from_millis(300);
