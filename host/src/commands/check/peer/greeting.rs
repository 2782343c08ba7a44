//! A connection to the other end that is made to see what becomes of it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::nobody::Nobody;

use crate::connection::handshake::{Established, Handshake, HandshakeError, TimeLimit};
use crate::connection::heard::{Heard, Overheard};
use crate::connection::key_exchange;
use crate::connection::live::Live;
use crate::connection::relay::{Broken, Limits, relay};
use crate::connection::tally::Tally;
use crate::guest::{ClientConfig, Engine, GuestError, NONCE_LEN, SessionGuest, Side, Sleeper};
use crate::keys::file::Psk;
use crate::net::dial::{DialError, dial};
use crate::net::resolve::Endpoint;
use crate::net::socket::Socket;
use crate::process::compute::Compute;

/// All that it takes to greet the other end.
pub(super) struct Greeter {
    pub(super) engine: Engine,
    pub(super) psk: Psk,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) bind: Option<Endpoint>,
    /// For each step.
    pub(super) limit: Duration,
}

/// What became of a greeting.
pub(super) enum Greeting {
    /// There is nobody.
    Unreachable(DialError),
    /// No sandbox could be had.
    NoGuest(GuestError),
    /// There was no handshake.
    Refused(HandshakeError, Heard),
    /// There was one, and then this.
    Established(Aftermath),
}

/// What came after a handshake, when we had said that we have nothing to say.
pub(super) enum Aftermath {
    /// The same from there.
    Closed,
    /// Nothing, for as long as we waited: it may be a service that does not mind.
    Quiet,
    /// A reset.
    Reset,
    /// Something that must not come.
    Broken(Broken),
}

/// What somebody does who is told nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearing {
    /// Hangs up.
    HangsUp,
    /// Says as much as a nonce.
    SaysNonce,
    /// Waits for us to begin.
    Waits,
}

impl Greeter {
    /// Connects, does the handshake, and closes.
    pub(super) async fn greet(&self, config: ClientConfig) -> Greeting {
        let mut socket = match self.dial().await {
            Ok(socket) => socket,
            Err(error) => return Greeting::Unreachable(error),
        };
        let guest = match SessionGuest::connect(&self.engine, config, &self.psk) {
            Ok(guest) => Box::new(guest),
            Err(error) => return Greeting::NoGuest(error),
        };
        let handshake =
            Handshake::begin(guest, key_exchange(config), &Compute::inline(), ONLY_SOURCE);
        let time = TimeLimit::start(self.limit);
        let mut overheard = Overheard::new(&mut socket);
        match time.hold(handshake.finish(&[], &mut overheard)).await.flatten() {
            Err(error) => Greeting::Refused(error, Heard::of(overheard.said())),
            Ok(established) => Greeting::Established(self.close(established, &socket).await),
        }
    }

    /// Ends our direction, and sees what comes from the other end.
    async fn close(&self, established: Established, socket: &Socket) -> Aftermath {
        let Established { guest, to_plain, failure } = established;
        let mut session = Sleeper::new(&self.engine, guest);
        let mut tally = Tally::new(Arc::default(), Arc::new(Live::new(0, None)), Side::Client);
        let tally = &mut tally;
        let limits = Limits { reader: self.limit, idle: None, half_closed: None };
        let relay = relay(&mut session, to_plain, failure, socket, &Nobody, tally, limits);
        match timeout(self.limit, relay).await {
            Err(_) => Aftermath::Quiet,
            Ok(Ok(_)) => Aftermath::Closed,
            Ok(Err(Broken::Crypt(error))) if is_reset(&error) => Aftermath::Reset,
            Ok(Err(broken)) => Aftermath::Broken(broken),
        }
    }

    /// Connects, and says nothing.
    pub(super) async fn observe(&self) -> Result<Bearing, DialError> {
        let mut socket = self.dial().await?;
        let mut said = 0;
        let mut buffer = [0; 2 * NONCE_LEN];
        loop {
            match timeout(self.limit.min(PATIENCE), socket.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => return Ok(Bearing::HangsUp),
                Ok(Ok(count)) => said += count,
                Err(_) if said == NONCE_LEN => return Ok(Bearing::SaysNonce),
                Err(_) => return Ok(Bearing::Waits),
            }
        }
    }

    async fn dial(&self) -> Result<Socket, DialError> {
        let socket = dial(&self.endpoints, self.bind.as_ref(), self.limit).await?;
        socket.tune(None, None);
        Ok(socket)
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

/// Long enough for a target there that refuses connections.
const PATIENCE: Duration = Duration::from_secs(1);
/// Computing in turn has no meaning for one.
const ONLY_SOURCE: u64 = 0;
