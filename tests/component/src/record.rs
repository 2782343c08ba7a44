//! Recorded cases: live conversations of our session, as the daemon runs it
//! and with fresh random bytes, with Debian's `spiped`.
//!
//! The reads are those that the network gave.

use std::fs::File;
use std::io::Read as _;
use std::mem;

use spiped_core::{ENTROPY_LEN, ForwardSecrecy, Side, Status};
use spiped_tests::{Backend, Conn, KEY, Lab, Origin, Spiped, payload, wire};

use crate::cases::{Case, config};
use crate::recording::Recording;
use crate::transcript::SIDES;
use crate::{Answer, Builds, Call, Ingredients};

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
fn as_client(builds: &Builds, lab: &Lab, option: Option<&str>) -> Live {
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
fn as_server(builds: &Builds, lab: &Lab, option: Option<&str>) -> Live {
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

/// A session at work.
struct Live {
    recording: Recording,
    conn: Conn,
    status: Status,
    crypt_ended: bool,
    /// What has come out for the application.
    plain: Vec<u8>,
}

impl Live {
    /// Completes the handshake.
    fn start(builds: &Builds, side: Side, conn: Conn) -> Self {
        let mut entropy = vec![0; ENTROPY_LEN];
        File::open("/dev/urandom").unwrap().read_exact(&mut entropy).unwrap();
        let config = config(side, ForwardSecrecy::Offer);
        let ingredients =
            Ingredients::New { config, secrets: vec![wire::psk(KEY).to_vec()], entropy };
        let session = builds.production(&ingredients).expect("well-formed ingredients");
        let mut live = Self {
            recording: Recording::of(session, ingredients),
            conn,
            status: Status::Handshaking,
            crypt_ended: false,
            plain: Vec::new(),
        };
        live.call(Call::Start);
        while live.status != Status::Established {
            match live.status {
                Status::Computing => live.call(Call::Compute),
                Status::Handshaking | Status::Established => live.read(),
            }
        }
        live.call(Call::PeerSecret);
        live
    }

    /// Makes a call, and sends what it produced to the peer.
    fn call(&mut self, call: Call) {
        if let Answer::Output { to_crypt, to_plain, status } = self.recording.call(call) {
            self.conn.send(to_crypt);
            self.plain.extend(to_plain);
            self.status = status.expect("a session that goes on");
        }
    }

    /// Reads once from the peer.
    fn read(&mut self) {
        assert!(!self.crypt_ended, "the peer ended too early");
        let mut bytes = vec![0; READ_MAX];
        let count = self.conn.read(&mut bytes).unwrap();
        bytes.truncate(count);
        self.crypt_ended = bytes.is_empty();
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

/// A batch of packets, as in the daemon.
const READ_MAX: usize = 64 * 1060;
