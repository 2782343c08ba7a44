//! Recorded cases: live conversations of ours, as the daemon runs it
//! and with fresh random bytes, with Debian's `spiped`.
//!
//! The reads are those that the network gave.

use std::fs::File;
use std::io::Read as _;
use std::mem;

use spiped_core::{
    ClientConfig, ENTROPY_LEN, EXPONENT_LEN, ForwardSecrecy, NONCE_LEN, ServerConfig, Side,
};
use spiped_tests::{Backend, Conn, KEY, Lab, Origin, Spiped, payload, wire};

use crate::cases::Case;
use crate::recording::Recording;
use crate::resource::{ESTABLISHED, WANTS_COMPUTE};
use crate::transcript::SIDES;
use crate::{Build, Builds, Call, Ingredients};

/// Records one conversation for each side of ours and each of Debian's
/// options on forward secrecy.
pub fn all(builds: &Builds) -> impl Iterator<Item = Case> {
    let options = [("offer", None), ("omit", Some("-f")), ("require", Some("-g"))];
    let sessions = SIDES.into_iter().flat_map(move |side| options.map(|option| (side, option)));
    sessions.map(|((name, side), (option_name, option))| {
        let lab = Lab::new();
        let (live, mode) = match side {
            Side::Client => (as_client(builds, &lab, option), "-d"),
            Side::Server => (as_server(builds, &lab, option), "-e"),
        };
        let options: Vec<_> = [mode].into_iter().chain(option).collect();
        Case {
            name: format!("recorded-{option_name}-{name}"),
            about: format!("With Debian's spiped {}.", options.join(" ")),
            transcript: live.recording.finish(),
        }
    })
}

/// We talk to an echo behind Debian's `spiped -d`, and end first.
fn as_client<'b>(builds: &'b Builds, lab: &Lab, option: Option<&str>) -> Live<'b> {
    let echo = Backend::echo(lab);
    let daemon = debian(Spiped::decrypt(lab, echo.endpoint()), option).start();
    let mut live = Live::start(builds, Side::Client, daemon.connect());
    for message in messages() {
        live.call(Call::Plain(message.clone()));
        live.expect_plain(&message);
    }
    live.end();
    live.expect_end();
    live
}

/// Debian's `spiped -e` dials us. We answer what we get with the same, and end
/// last.
fn as_server<'b>(builds: &'b Builds, lab: &Lab, option: Option<&str>) -> Live<'b> {
    let target = Backend::manual(lab);
    let daemon = debian(Spiped::encrypt(lab, target.endpoint()), option).start();
    let mut application = daemon.connect();
    let mut live = Live::start(builds, Side::Server, target.accept());
    for message in messages() {
        application.send(&message);
        live.expect_plain(&message);
        live.call(Call::Plain(message.clone()));
        assert_eq!(application.receive(message.len()), message);
    }
    application.half_close();
    live.expect_end();
    live.call(Call::Plain(b"last words".into()));
    live.end();
    assert_eq!(application.receive_all(), b"last words");
    live
}

fn debian(spiped: Spiped, option: Option<&str>) -> Spiped {
    spiped.of(Origin::Debian).args(option.as_slice())
}

/// One packet that is not full, one that is, several.
fn messages() -> [Vec<u8>; 3] {
    [b"hello".to_vec(), vec![b'A'; 1024], payload::bytes(1, 3000)]
}

/// An end at work.
struct Live<'b> {
    build: &'b dyn Build,
    recording: Recording,
    conn: Conn,
    status: String,
    crypt_ended: bool,
    /// What has come out for the application.
    plain: Vec<u8>,
}

impl<'b> Live<'b> {
    /// Completes the handshake.
    fn start(builds: &'b Builds, side: Side, conn: Conn) -> Self {
        let mut live = Self {
            build: builds.production(),
            recording: Recording::default(),
            conn,
            status: String::new(),
            crypt_ended: false,
            plain: Vec::new(),
        };
        let rest = match side {
            Side::Client => live.connect(),
            Side::Server => live.accept(),
        };
        live.call(Call::Start);
        while live.status == WANTS_COMPUTE {
            live.call(Call::Compute);
        }
        if !rest.is_empty() {
            live.call(Call::Crypt(rest));
        }
        while live.status != ESTABLISHED {
            match live.status.as_str() {
                WANTS_COMPUTE => live.call(Call::Compute),
                _ => live.read(),
            }
        }
        live.call(Call::PskId);
        live
    }

    fn make(&mut self, ingredients: Ingredients) {
        let made = self.recording.make(self.build, ingredients);
        assert!(!made.is_final(), "{made}");
    }

    /// Nothing has come yet.
    fn connect(&mut self) -> Vec<u8> {
        let config = ClientConfig::Modp2048(ForwardSecrecy::Offer);
        self.make(Ingredients::Connect { config, psk: psk(), entropy: random(ENTROPY_LEN) });
        Vec::new()
    }

    /// Returns what has come after the hello.
    fn accept(&mut self) -> Vec<u8> {
        let config = ServerConfig::Any(ForwardSecrecy::Offer);
        let our_nonce = random(NONCE_LEN);
        let (psks, nonce) = (vec![psk()], our_nonce.clone());
        self.make(Ingredients::Acceptor { config, psks, our_nonce: nonce });
        self.conn.send(&our_nonce);
        let mut hello = Vec::new();
        loop {
            let bytes = self.receive();
            hello.extend_from_slice(&bytes);
            let answer = self.recording.call(Call::Identify(bytes));
            assert!(!answer.is_final(), "{answer}");
            if let Some((_, hello_len)) = answer.authenticated() {
                let rest = hello.split_off(hello_len);
                let (psk, entropy) = (psk(), random(EXPONENT_LEN));
                self.make(Ingredients::Accept { config, our_nonce, hello, psk, entropy });
                return rest;
            }
        }
    }

    /// Makes a call on the session, and sends what it produced to the peer.
    fn call(&mut self, call: Call) {
        let is_asked_only = call == Call::PskId;
        let answer = self.recording.call(call);
        assert!(!answer.is_final(), "{answer}");
        self.conn.send(answer.to_crypt);
        self.plain.extend(answer.to_plain);
        if !is_asked_only {
            self.status = answer.words;
        }
    }

    /// Reads once from the peer; nothing at the end.
    fn receive(&mut self) -> Vec<u8> {
        assert!(!self.crypt_ended, "the peer ended too early");
        let mut bytes = vec![0; READ_MAX];
        let count = self.conn.read(&mut bytes).unwrap();
        bytes.truncate(count);
        self.crypt_ended = bytes.is_empty();
        bytes
    }

    /// Reads once from the peer for the session.
    fn read(&mut self) {
        let bytes = self.receive();
        self.call(if self.crypt_ended { Call::CryptEof } else { Call::Crypt(bytes) });
    }

    fn expect_plain(&mut self, expected: &[u8]) {
        while self.plain.len() < expected.len() {
            self.read();
        }
        assert_eq!(mem::take(&mut self.plain), expected);
    }

    fn expect_end(&mut self) {
        while !self.crypt_ended {
            self.read();
        }
        assert_eq!(self.plain, b"");
    }

    /// Our application has nothing more to say.
    fn end(&mut self) {
        self.call(Call::PlainEof);
        self.conn.half_close();
    }
}

fn psk() -> Vec<u8> {
    wire::psk(KEY).to_vec()
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes
}

/// A batch of packets, as in the daemon.
const READ_MAX: usize = 64 * 1060;
