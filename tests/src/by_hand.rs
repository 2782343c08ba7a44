//! One end is ours, the other is played by the test.

use crate::wire::{Handshake, Session, Side};
use crate::{Backend, Conn, Daemon, KEY, Lab, Spiped};

/// The test is the client of a `spiped -d`. The target has little room for what
/// it does not read.
pub struct AgainstServer {
    /// Where it runs.
    pub lab: Lab,
    /// The server.
    pub daemon: Daemon,
    /// Its target.
    pub backend: Backend,
}

impl AgainstServer {
    /// A server with further arguments.
    #[track_caller]
    pub fn start(args: &[&str]) -> Self {
        Self::start_with(|server| server.args(args))
    }

    /// A server that is described further.
    #[track_caller]
    pub fn start_with(describe: impl FnOnce(Spiped) -> Spiped) -> Self {
        let lab = Lab::new();
        let backend = Backend::narrow(&lab);
        let daemon = describe(Spiped::decrypt(&lab, backend.endpoint())).start();
        Self { lab, daemon, backend }
    }

    /// A handshake up to the nonces.
    #[track_caller]
    pub fn handshake(&self) -> Handshake {
        Handshake::begin(self.daemon.connect(), Side::Client, KEY)
    }

    /// An established connection and what it is at the target.
    #[track_caller]
    pub fn session(&self) -> (Session, Conn) {
        let session = self.handshake().complete();
        (session, self.backend.accept())
    }

    /// Checks that the daemon still serves honest clients.
    #[track_caller]
    pub fn expect_service(&self) {
        let client = Spiped::encrypt(&self.lab, self.daemon.source()).start();
        let mut conn = client.connect();
        conn.send(b"honest");
        conn.half_close();
        // What the dishonest left at the target may come first.
        while self.backend.accept().receive_to_end().0 != b"honest" {}
    }
}

/// The test is the server of a `spiped -e`. The application has little room for
/// what it does not read.
pub struct AgainstClient {
    _lab: Lab,
    /// The client.
    pub daemon: Daemon,
    backend: Backend,
}

impl AgainstClient {
    /// A client with further arguments.
    #[track_caller]
    pub fn start(args: &[&str]) -> Self {
        Self::start_with(|client| client.args(args))
    }

    /// A client that is described further.
    #[track_caller]
    pub fn start_with(describe: impl FnOnce(Spiped) -> Spiped) -> Self {
        let lab = Lab::new();
        let backend = Backend::manual(&lab);
        let daemon = describe(Spiped::encrypt(&lab, backend.endpoint())).start();
        Self { _lab: lab, daemon, backend }
    }

    /// An application's connection and a handshake up to the nonces.
    #[track_caller]
    pub fn handshake(&self, key_file: &[u8]) -> (Conn, Handshake) {
        let application = Conn::narrow_to(self.daemon.source());
        let handshake = Handshake::begin(self.backend.accept(), Side::Server, key_file);
        (application, handshake)
    }

    /// An application's connection, our key share that is still to be sent, and
    /// the other end as it is after that.
    #[track_caller]
    pub fn unanswered(&self) -> (Conn, [u8; 288], Session) {
        let (application, mut handshake) = self.handshake(KEY);
        let theirs = handshake.receive();
        let share = handshake.key_share(&handshake.public_value());
        let shared = handshake.shared_value(&theirs);
        (application, share, handshake.establish(&shared))
    }

    /// An application's connection and the other end of it.
    #[track_caller]
    pub fn session(&self) -> (Conn, Session) {
        let (application, handshake) = self.handshake(KEY);
        (application, handshake.complete())
    }
}
