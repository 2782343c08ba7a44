//! Streams through it, with Debian's programs and with ours at the other end.

use spiped_tests::payload::{Transfer, bytes};
use spiped_tests::{
    Backend, Conn, Endpoint, Lab, Link, Origin, Process, RunningSpipe, Spiped as Native,
};

use super::{Spiped, spipe};

/// Where it stands: the pairs that `spiped.wasm` is half of.
#[derive(Clone, Copy)]
enum Place {
    Encrypts(Origin),
    Decrypts(Origin),
}

const PLACES: [Place; 4] = [
    Place::Encrypts(Origin::Debian),
    Place::Decrypts(Origin::Debian),
    Place::Encrypts(Origin::Ours),
    Place::Decrypts(Origin::Ours),
];

/// Both ends, between an application and a target.
struct Pair {
    source: Endpoint,
    ours: Spiped,
    _theirs: Process,
}

impl Place {
    #[track_caller]
    fn start(self, lab: &Lab, target: &Endpoint) -> Pair {
        let x25519 = |origin| match origin {
            Origin::Ours => &["--kex", "x25519"][..],
            Origin::Debian | Origin::Upstream => &[],
        };
        match self {
            Self::Encrypts(origin) => {
                let server = Native::decrypt(lab, target).of(origin).start();
                let target = server.source().to_string();
                let ours = Spiped::start(lab, "-e", &target, x25519(origin));
                Pair { source: ours.source.clone(), ours, _theirs: server.process }
            }
            Self::Decrypts(origin) => {
                let ours = Spiped::start(lab, "-d", &target.to_string(), &[]);
                let client = Native::encrypt(lab, &ours.source).of(origin).args(x25519(origin));
                let client = client.start();
                Pair { source: client.source().clone(), ours, _theirs: client.process }
            }
        }
    }
}

#[test]
fn every_size_comes_back() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    for place in PLACES {
        let pair = place.start(&lab, backend.endpoint());
        let mut conn = Conn::to(&pair.source);
        for size in [1, 1023, 1024, 1025, 65_536, 100_000] {
            conn.expect_echo(bytes(1, size));
        }
        conn.half_close();
        assert_eq!(conn.receive_all(), b"");
    }
}

#[test]
fn late_reply_to_a_half_closed_request_arrives() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    for place in PLACES {
        let pair = place.start(&lab, backend.endpoint());
        let mut conn = Conn::to(&pair.source);
        conn.send(b"request");
        conn.half_close();
        let mut target = backend.accept();
        assert_eq!(target.receive_all(), b"request");
        let reply = bytes(1, 1_000_000);
        target.send(&reply);
        drop(target);
        assert!(conn.receive_all() == reply, "the reply is whole");
    }
}

#[test]
fn late_request_to_a_half_closed_target_arrives() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    for place in PLACES {
        let pair = place.start(&lab, backend.endpoint());
        let mut conn = Conn::to(&pair.source);
        conn.send(b"hello");
        let mut target = backend.accept();
        assert_eq!(target.receive(5), b"hello");
        target.send(b"greeting");
        target.half_close();
        assert_eq!(conn.receive_all(), b"greeting");
        conn.send(b"request");
        conn.half_close();
        assert_eq!(target.receive_all(), b"request");
        assert_eq!(pair.ours.process.stderr().lines().count(), 1, "no failure was logged");
    }
}

#[test]
fn bulk_crosses_both_ways_at_once() {
    for place in PLACES {
        both_ways(place, 16 << 20);
    }
}

#[test]
#[ignore = "soak"]
fn gibibyte_crosses_both_ways_at_once() {
    for place in [Place::Encrypts(Origin::Debian), Place::Decrypts(Origin::Debian)] {
        both_ways(place, 1 << 30);
    }
}

fn both_ways(place: Place, length: u64) {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let pair = place.start(&lab, backend.endpoint());
    let near = Conn::to(&pair.source).into_link();
    let far = backend.accept().into_link();
    let there = Transfer::start(near.writer, far.reader, length);
    let back = Transfer::start(far.writer, near.reader, length + 1);
    there.check();
    back.check();
}

#[test]
fn spipe_carries_a_mebibyte_and_succeeds() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    for (origin, args) in [(Origin::Debian, &[][..]), (Origin::Ours, &["--kex", "x25519"])] {
        let server = Native::decrypt(&lab, backend.endpoint()).of(origin).start();
        let spipe = RunningSpipe::start(spipe(&lab, server.source(), &lab.key(), args));
        let Link { reader, writer, child } = spipe.into_link();
        Transfer::start(writer, reader, 1 << 20).check();
        child.unwrap().wait().expect_success();
    }
}

#[test]
fn client_with_a_wrong_key_says_so() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Native::decrypt(&lab, backend.endpoint()).of(Origin::Debian).start();
    let exit = Process::spawn(spipe(&lab, server.source(), &lab.other_key(), &[])).wait();
    exit.expect_failure("spipe: Handshake failed: closed in the handshake");

    let args = ["-k"];
    let mut client = super::program(&lab, &["-e", "-s"]);
    let source = lab.tcp();
    client.args([&source.to_string(), "-t", &server.source().to_string()]).args(args);
    client.arg(lab.other_key());
    let client = Spiped::run(client, source);
    client.connect().expect_end_without_data();
    client.process.wait_for_stderr("Handshake failed: closed in the handshake");
}

#[test]
fn server_refuses_a_wrong_key_and_serves_on() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    let server = Spiped::start(&lab, "-d", &backend.endpoint().to_string(), &[]);
    let wrong = Native::encrypt(&lab, &server.source).of(Origin::Debian).key(lab.other_key());
    wrong.start().connect().expect_end_without_data();
    server.process.wait_for_stderr("wrong key, or not a spiped peer");
    assert_eq!(backend.accepted(), 0, "the target was not contacted");
    let right = Native::encrypt(&lab, &server.source).of(Origin::Debian).start();
    right.connect().expect_echo(b"echo");
}

#[test]
fn slow_reader_slows_the_writer() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    for place in [Place::Encrypts(Origin::Debian), Place::Decrypts(Origin::Debian)] {
        let pair = place.start(&lab, backend.endpoint());
        let mut conn = Conn::to(&pair.source);
        let all = bytes(1, 64 << 20);
        let sent = conn.send_until_stuck(&all);
        assert!(sent < all.len(), "everything was taken, and nothing was read");
        conn.half_close();
        assert!(backend.accept().receive_all() == all[..sent], "what was taken arrives");
    }
}
