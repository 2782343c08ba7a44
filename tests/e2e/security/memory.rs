//! What is left in a daemon's memory of secrets that it no longer needs, and
//! where those are that it does need: protocol.md K-1.
//!
//! The test plays the peer, so it knows every key of a connection. It stops the
//! daemon and reads all of its memory, which takes root.

use std::io::{Read, Write};

use nix::sys::signal::Signal;
use sha2::{Digest, Sha256};
use spiped_tests::memory::{Expected, Traces, expect};
use spiped_tests::wire::{Handshake, PLAIN_MAX, Session, Side, psk};
use spiped_tests::{
    AgainstClient, AgainstServer, Backend, Background, Conn, Daemon, KEY, Lab, OTHER_KEY, Spipe,
    Spiped, procfs,
};

#[test]
fn server_forgets_connections_with_modp2048() {
    forgets(Side::Server, Exchange::Modp2048);
}

#[test]
fn server_forgets_connections_with_x25519() {
    forgets(Side::Server, Exchange::X25519);
}

#[test]
fn client_forgets_connections_with_modp2048() {
    forgets(Side::Client, Exchange::Modp2048);
}

#[test]
fn client_forgets_connections_with_x25519() {
    forgets(Side::Client, Exchange::X25519);
}

#[test]
fn key_that_was_replaced_is_gone_and_the_new_one_is_guarded() {
    let server = AgainstServer::start(&[]);
    let mut asleep = Connection::to(server.session(), "asleep");
    asleep.transfer();
    server.lab.write_key("key", OTHER_KEY);
    server.daemon.process.signal(Signal::SIGHUP);
    server.daemon.process.wait_for_stderr("Keys reloaded");
    let mut expected = asleep.expected(true);
    expected.extend([Expected::gone(psk_of(KEY)), key_of(Side::Server, OTHER_KEY)]);
    expected.extend([KEY, OTHER_KEY].map(content));
    expect(server.daemon.process.pid(), &expected);
    expect_ignorance(helper(server.daemon.process.pid()));
}

#[test]
fn helper_process_keeps_nothing_of_keys() {
    let lab = Lab::new();
    let server = Spiped::decrypt(&lab, &lab.tcp()).args(&["-u", "nobody"]).start();
    let helper = helper(server.process.pid());
    expect_ignorance(helper);
    lab.write_key("key", OTHER_KEY);
    server.process.signal(Signal::SIGHUP);
    server.process.wait_for_stderr("Keys reloaded");
    expect_ignorance(helper);
}

#[test]
fn peers_that_are_refused_leave_nothing() {
    let server = AgainstServer::start(&[]);
    let mut expected = vec![key_of(Side::Server, KEY), content(KEY)];
    let mut forger = server.handshake();
    let (mut share, traces) = (forger.key_share(&forger.public_value()), share_keys(&forger));
    share[287] ^= 1;
    forger.conn.send(share);
    forger.conn.expect_end_without_data();
    expected.extend(traces);
    // This one has the key, but goes away before there is a connection.
    let mut quitter = server.handshake();
    let value = quitter.public_value();
    quitter.send(&value);
    let theirs = quitter.receive();
    expected.extend(share_keys(&quitter));
    let shared = quitter.shared_value(&theirs);
    expected.push(Expected::gone(Traces::of_number("shared value", &shared)));
    quitter.conn.reset();
    expect(server.daemon.process.pid(), &expected);
}

#[test]
fn daemon_in_the_background_guards_its_key_as_well() {
    let lab = Lab::new();
    let backend = Backend::echo(&lab);
    Spiped::decrypt(&lab, backend.endpoint()).args(&["-p", "pid"]).run().expect_success();
    let daemon = Background::from_pid_file(&lab.path("pid"));
    expect(daemon.pid(), &[key_of(Side::Server, KEY), content(KEY)]);
}

#[test]
fn spipe_forgets_what_it_has_passed_on() {
    let lab = Lab::new();
    let backend = Backend::manual(&lab);
    let mut spipe = Spipe::to(&lab, backend.endpoint()).start();
    let mut session = Handshake::begin(backend.accept(), Side::Server, KEY).complete();
    let marker = |direction: &str| {
        let digest = Sha256::digest(format!("plaintext of spipe, {direction}"));
        *digest.first_chunk::<16>().expect("32 bytes")
    };
    let (inward, outward) = (marker("inward"), marker("outward"));
    for packets in [1, 64, 3] {
        let message = inward.repeat(PLAIN_MAX / 16);
        let batch: Vec<_> = (0..packets).flat_map(|_| session.packet(&message)).collect();
        session.conn.send(batch);
        let mut received = vec![0; packets * PLAIN_MAX];
        spipe.stdout.read_exact(&mut received).unwrap();
        assert_eq!(received, message.repeat(packets));
        let message = outward.repeat(PLAIN_MAX / 16 * packets);
        spipe.stdin.write_all(&message).unwrap();
        let mut received = Vec::new();
        while received.len() < message.len() {
            received.extend(session.receive());
        }
        assert_eq!(received, message);
    }
    let gone = |what, marker: &[u8; 16]| Expected::gone(Traces::of_bytes(what, marker));
    expect(spipe.process.pid(), &[gone("inward", &inward), gone("outward", &outward)]);
}

/// One connection is closed and one falls asleep after much traffic; the keys
/// are read again; the one asleep wakes and falls asleep again.
#[track_caller]
fn forgets(side: Side, exchange: Exchange) {
    let end = OurEnd::start(side, exchange);
    let pid = end.daemon().process.pid();
    let mut closed = Connection::to(end.session(exchange), "closed");
    let mut asleep = Connection::to(end.session(exchange), "asleep");
    closed.transfer();
    asleep.transfer();
    let mut expected = asleep.expected(true);
    expected.extend(closed.expected(false));
    expected.extend([key_of(side, KEY), content(KEY)]);
    closed.close(exchange);
    end.daemon().process.signal(Signal::SIGHUP);
    end.daemon().process.wait_for_stderr("Keys reloaded");
    expect(pid, &expected);
    asleep.transfer();
    expect(pid, &expected);
}

/// The daemon's only child.
#[track_caller]
fn helper(daemon: i32) -> i32 {
    let children = procfs::children(daemon);
    let [helper] = children[..] else { panic!("children of {daemon}: {children:?}") };
    helper
}

/// Neither what the daemon read at its start nor what was read since.
#[track_caller]
fn expect_ignorance(pid: i32) {
    let traces = |key| [Expected::gone(psk_of(key)), content(key)];
    let expected: Vec<_> = [KEY, OTHER_KEY].into_iter().flat_map(traces).collect();
    expect(pid, &expected);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Exchange {
    Modp2048,
    X25519,
}

/// The daemon under test; we are the other end.
enum OurEnd {
    Server(AgainstServer),
    Client(AgainstClient),
}

impl OurEnd {
    fn start(side: Side, exchange: Exchange) -> Self {
        match (side, exchange) {
            (Side::Server, _) => Self::Server(AgainstServer::start(&[])),
            (Side::Client, Exchange::Modp2048) => Self::Client(AgainstClient::start(&[])),
            (Side::Client, Exchange::X25519) => {
                Self::Client(AgainstClient::start(&["--kex", "x25519"]))
            }
        }
    }

    fn daemon(&self) -> &Daemon {
        match self {
            Self::Server(server) => &server.daemon,
            Self::Client(client) => &client.daemon,
        }
    }

    fn session(&self, exchange: Exchange) -> (Session, Conn) {
        let complete = |handshake: Handshake| match exchange {
            Exchange::Modp2048 => handshake.complete(),
            Exchange::X25519 => handshake.complete_x25519(),
        };
        match self {
            Self::Server(server) => {
                let session = complete(server.handshake());
                (session, server.backend.accept())
            }
            Self::Client(client) => {
                let (application, handshake) = client.handshake(KEY);
                (complete(handshake), application)
            }
        }
    }
}

/// Both ends of a connection through the daemon.
struct Connection {
    name: &'static str,
    session: Session,
    plain: Conn,
}

impl Connection {
    fn to((session, plain): (Session, Conn), name: &'static str) -> Self {
        Self { name, session, plain }
    }

    /// Both ways, a single packet and as many as any backend takes at once.
    #[track_caller]
    fn transfer(&mut self) {
        for packets in [1, 64, 3] {
            let inward = self.marker("inward").repeat(PLAIN_MAX / 16);
            let batch: Vec<_> = (0..packets).flat_map(|_| self.session.packet(&inward)).collect();
            self.session.conn.send(batch);
            assert_eq!(self.plain.receive(packets * PLAIN_MAX), inward.repeat(packets));
            let outward = self.marker("outward").repeat(PLAIN_MAX / 16 * packets);
            self.plain.send(&outward);
            let mut received = Vec::new();
            while received.len() < outward.len() {
                received.extend(self.session.receive());
            }
            assert_eq!(received, outward);
        }
    }

    #[track_caller]
    fn close(mut self, exchange: Exchange) {
        if exchange == Exchange::X25519 {
            let mark = self.session.end_mark();
            self.session.conn.send(mark);
        }
        self.session.conn.half_close();
        self.plain.receive_all();
        self.plain.half_close();
        self.session.conn.receive_all();
    }

    /// All its secrets, of which only the session keys may be left.
    fn expected(&self, session_keys_kept: bool) -> Vec<Expected> {
        let expect = if session_keys_kept { Expected::kept_once } else { Expected::gone };
        let derived = &self.session.derived;
        let what = |what: &str| format!("{what} of the connection that is {}", self.name);
        let [client_share, server_share] = &derived.handshake_keys;
        let [client_cipher, client_mac, server_cipher, server_mac] = &derived.session_keys;
        let marker = |direction: &str| {
            Expected::gone(Traces::of_bytes(&what(direction), &self.marker(direction)))
        };
        vec![
            Expected::gone(Traces::of_mac_key(&what("client's key share's key"), client_share)),
            Expected::gone(Traces::of_mac_key(&what("server's key share's key"), server_share)),
            Expected::gone(Traces::of_number(&what("shared value"), &derived.shared_value)),
            expect(Traces::of_cipher_key(&what("client's cipher key"), client_cipher)),
            expect(Traces::of_mac_key(&what("client's MAC key"), client_mac)),
            expect(Traces::of_cipher_key(&what("server's cipher key"), server_cipher)),
            expect(Traces::of_mac_key(&what("server's MAC key"), server_mac)),
            marker("inward"),
            marker("outward"),
        ]
    }

    /// Plaintext that nothing else contains.
    fn marker(&self, direction: &str) -> [u8; 16] {
        let digest = Sha256::digest(format!("plaintext, {direction}, {}", self.name));
        *digest.first_chunk().expect("32 bytes")
    }
}

fn share_keys(handshake: &Handshake) -> [Expected; 2] {
    let keys = handshake.share_keys();
    keys.map(|key| Expected::gone(Traces::of_mac_key("key share's key", &key)))
}

/// A key in use: a server has it once more to search it.
fn key_of(side: Side, key_file: &[u8]) -> Expected {
    match side {
        Side::Client => Expected::kept_once(psk_of(key_file)),
        Side::Server => Expected::kept_searchable(psk_of(key_file)),
    }
}

fn psk_of(key_file: &[u8]) -> Traces {
    Traces::of_mac_key("PSK", &psk(key_file))
}

fn content(key_file: &[u8]) -> Expected {
    Expected::gone(Traces::of_bytes("content of the key file", key_file))
}
