//! A program between standard input and output, and a test that plays its server.

use std::io::Read as _;
use std::time::Duration;

use crate::payload::bytes;
use crate::wire::{Handshake, PACKET_LEN, PLAIN_MAX, Session, Side};
use crate::{Backend, Exit, KEY, Lab, Origin, RunningSpipe, Spipe, wait};

/// When the first byte is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// At once.
    Waits,
    /// After a while.
    IsLate,
}

/// An established connection. Its input stays open: no end must wait for that.
struct Lone {
    origin: Origin,
    _lab: Lab,
    spipe: RunningSpipe,
    session: Session,
}

impl Lone {
    #[track_caller]
    fn start(origin: Origin, args: &[&str], complete: impl FnOnce(Handshake) -> Session) -> Self {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        let spipe = Spipe::to(&lab, backend.endpoint()).of(origin).args(args).start();
        let session = complete(Handshake::begin(backend.accept(), Side::Server, KEY));
        Self { origin, _lab: lab, spipe, session }
    }

    /// Checks that it fails for this reason, after these bytes.
    #[track_caller]
    fn expect_failure(mut self, received: &[u8], case: &'static str) {
        let mut all = Vec::new();
        self.spipe.stdout.read_to_end(&mut all).unwrap();
        assert!(all == received, "{} bytes came", all.len());
        expect_reason(&self.spipe.process.wait(), self.origin, case);
        self.origin.expect_crypt_break(&mut self.session.conn);
    }
}

/// What was authenticated comes out, however much it is.
pub fn forged_packet_after_good_ones(origin: Origin, reader: Reader) {
    let mut lone = Lone::start(origin, &[], Handshake::complete);
    let data = bytes(3, if reader == Reader::IsLate { 512_000 } else { 3_000 });
    let mut packets: Vec<u8> =
        data.chunks(PLAIN_MAX).flat_map(|message| lone.session.packet(message)).collect();
    packets.extend([0; PACKET_LEN]);
    lone.session.conn.send(packets);
    if reader == Reader::IsLate {
        wait::observe(Duration::from_millis(1500));
    }
    lone.expect_failure(&data, "forged-packet");
}

/// Only a holder of the key can send that.
pub fn impossible_length(origin: Origin) {
    let mut lone = Lone::start(origin, &[], Handshake::complete);
    let packet = lone.session.packet_declaring(1025, b"");
    lone.session.conn.send(packet);
    lone.expect_failure(b"", "bad-length");
}

/// The end is no success.
pub fn truncated_packet(origin: Origin) {
    let mut lone = Lone::start(origin, &[], Handshake::complete);
    lone.session.send(b"whole");
    let half = lone.session.packet(b"half");
    lone.session.conn.send(&half[..100]);
    lone.session.conn.half_close();
    lone.expect_failure(b"whole", "truncated-in-packet");
}

/// The same between two packets, which only X25519 can tell from an end.
pub fn truncated_before_end_mark(origin: Origin) {
    let args = &["--kex", "x25519"];
    let mut lone = Lone::start(origin, args, Handshake::complete_x25519);
    lone.session.send(b"half of it");
    lone.session.conn.half_close();
    lone.expect_failure(b"half of it", "truncated-before-end-mark");
}

/// Not for longer than `-o` says.
pub fn silent_server(origin: Origin) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let spipe = Spipe::to(&lab, backend.endpoint()).of(origin).time_limit("0.5");
    let mut spipe = spipe.start();
    let _silent = backend.accept();
    expect_reason(&spipe.process.wait(), origin, "timed-out");
}

/// Nobody listens there.
pub fn refused_connection(origin: Origin) {
    let lab = Lab::new();
    let mut spipe = Spipe::to(&lab, &lab.tcp()).of(origin).start();
    expect_reason(&spipe.process.wait(), origin, "connection-refused");
}

/// Command lines that make no sense.
pub fn bad_usage(origin: Origin) {
    let lab = Lab::new();
    for args in [&["--kex", "other"][..], &["-f", "--kex", "x25519"]] {
        let mut spipe = Spipe::to(&lab, &lab.tcp()).of(origin).args(args).start();
        let exit = spipe.process.wait();
        exit.expect_failure("");
        assert!(
            !exit.stderr.contains(origin.says("connection-refused").unwrap_or_default()),
            "{args:?} were taken: {exit:?}"
        );
    }
}

#[track_caller]
fn expect_reason(exit: &Exit, origin: Origin, case: &'static str) {
    exit.expect_failure(origin.says(case).unwrap_or_default());
}
