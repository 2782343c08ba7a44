//! Takes over connections from another process.
//!
//! **The rule**: at most one process can encrypt with the state of a session. A state
//! that arrives is resumed once, to verify it, and suspended again immediately. No data
//! is passed to it before [`Entitled::Yes`], which means that the other process has
//! wiped its own copy. Otherwise the state is dropped, and so are our copies of the
//! sockets: the other process has its own, and the peers notice nothing.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::{oneshot, watch};

use crate::connection::direction::Direction;
use crate::connection::inactivity::Inactivity;
use crate::connection::live::Live;
use crate::connection::outcome::Outcome;
use crate::connection::relay::Duplex;
use crate::connection::tally::{Tally, Traffic};
use crate::connection::{Ended, Snapshot, ending, settle};
use crate::guest::{Engine, Failure, GuestError, Misuse, ProtocolFailure, Sleeper};
use crate::handover::channel::Received;
use crate::handover::messages::{Connection, Direction as Parts, Message, Stage};
use crate::keys::Key;
use crate::net::socket::Socket;
use crate::observe::{Prefix, Source};
use crate::process::secrets::Locked;

/// Whether the connections that have arrived are ours. If the sender is dropped, they
/// are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entitled {
    /// That is not known yet.
    NotYet,
    /// They are, and no other process has them.
    Yes,
}

/// A connection that has arrived and is well-formed.
#[derive(Debug)]
pub(crate) struct Arrival {
    connection: Connection,
    crypt: OwnedFd,
    plain: OwnedFd,
    secrets: Locked,
}

impl Arrival {
    /// Parses what was received.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn of(received: Received) -> Result<Self, String> {
        let Received { message: Message::Connection(connection), descriptors, secrets } = received
        else {
            return Err("its state cannot be read".to_owned());
        };
        let wrong = |what: &str| Err(format!("connection {}: {what}", connection.id));
        let Ok([crypt, plain]) = <[OwnedFd; 2]>::try_from(descriptors) else {
            return wrong("it does not come with two sockets");
        };
        let Connection { state, inward, outward, .. } = &connection;
        let lens = [*state, inward.pending, outward.pending];
        let len = lens.into_iter().try_fold(0, usize::checked_add);
        if len != Some(secrets.len()) {
            return wrong("parts of its state have a wrong length");
        }
        let is_done = |direction: &Parts| direction.stage == Stage::Done;
        if is_done(inward) && is_done(outward) {
            return wrong("it has ended already");
        }
        if [inward, outward].into_iter().any(|it| is_done(it) && it.pending > 0) {
            return wrong("it has bytes left to write in a direction that has ended");
        }
        Ok(Self { connection, crypt, plain, secrets })
    }

    /// The name of its pipe.
    #[must_use]
    pub(crate) fn pipe(&self) -> &str {
        &self.connection.pipe
    }

    /// Its number.
    #[must_use]
    pub(crate) fn id(&self) -> u64 {
        self.connection.id
    }

    /// Its key, if it has one: the index among
    /// [`Pipe::keys`](crate::handover::messages::Pipe::keys).
    #[must_use]
    pub(crate) fn key(&self) -> Option<usize> {
        self.connection.key
    }

    /// Who opened it.
    #[must_use]
    pub(crate) fn source(&self) -> Option<Source> {
        let Connection { peer, peer_address, .. } = &self.connection;
        let shown = peer.as_deref()?.into();
        Some(Source { shown, prefix: peer_address.map(Prefix::of) })
    }

    /// Its age.
    #[must_use]
    pub(crate) fn age(&self) -> Duration {
        Duration::from_millis(self.connection.age)
    }

    /// The connection as others see it, under this number, with this key.
    #[must_use]
    pub(crate) fn live(&self, id: u64, key: Option<Key>) -> Live {
        let Connection { sent, received, .. } = self.connection;
        let traffic = Traffic { sent, received };
        Live::adopted(id, self.source(), key, self.age(), self.idle(), traffic)
    }

    fn idle(&self) -> Duration {
        Duration::from_millis(self.connection.idle)
    }

    /// Resumes it on this event loop.
    fn resume(self, engine: &Engine) -> Result<Resumed<'_>, String> {
        let idle = self.idle();
        let Connection { id, state, inward, outward, .. } = self.connection;
        let socket = |descriptor, side| {
            let socket = Socket::adopt(descriptor);
            socket.map_err(|error| format!("connection {id}: its {side} socket: {error}"))
        };
        let (crypt, plain) = (socket(self.crypt, "encrypted")?, socket(self.plain, "plain")?);
        let (state, pending) = self.secrets.split_at(state);
        let (to_plain, to_crypt) = pending.split_at(inward.pending);
        let session = Sleeper::arrived(engine, state);
        let session = session.map_err(|error| format!("connection {id}: {}", reason(&error)))?;
        let inward = Direction::arrived(inward.stage, to_plain.to_vec());
        let outward = Direction::arrived(outward.stage, to_crypt.to_vec());
        Ok(Resumed { session, inward, outward, crypt, plain, idle })
    }
}

/// For fuzz targets: parses a line that comes with two sockets and these secrets.
/// `None` if it is not a message, or changes when it is written and read again;
/// otherwise whether it is a connection that can arrive.
///
/// # Panics
/// If there are no descriptors for the sockets.
#[must_use]
pub fn line_arrives(line: &[u8], secrets: &[u8]) -> Option<bool> {
    let message: Message = serde_json::from_slice(line).ok()?;
    let again = serde_json::from_slice(&serde_json::to_vec(&message).ok()?).ok()?;
    if message != again {
        return None;
    }
    let sockets = std::os::unix::net::UnixStream::pair().expect("room for two descriptors");
    let descriptors = vec![sockets.0.into(), sockets.1.into()];
    let arrival = Arrival::of(Received { message, descriptors, secrets: Locked::copy_of(secrets) });
    let Ok(arrival) = arrival else { return Some(false) };
    let live = arrival.live(arrival.id(), None);
    let Connection { state, inward, outward, .. } = arrival.connection;
    let taken = state + inward.pending + outward.pending;
    assert_eq!(taken, secrets.len(), "{live:?} leaves some of its bytes");
    Some(true)
}

/// Why a session cannot be resumed.
fn reason(error: &GuestError) -> String {
    let bad_state = Failure::Protocol(ProtocolFailure::Misuse(Misuse::BadState));
    if let GuestError::Failed(failure) = error
        && *failure == bad_state
    {
        return "the state of its session is damaged, or has a version that this program does not \
            read"
            .to_owned();
    }
    error.to_string()
}

/// A connection that can continue.
struct Resumed<'e> {
    session: Sleeper<'e>,
    inward: Direction,
    outward: Direction,
    crypt: Socket,
    plain: Socket,
    idle: Duration,
}

impl Snapshot {
    /// Continues a connection that has arrived, once we are entitled to, after
    /// reporting whether it can continue. If we are not entitled, nothing is counted as
    /// ended.
    pub(crate) async fn adopt(
        self: Arc<Self>,
        arrival: Box<Arrival>,
        live: Arc<Live>,
        answer: oneshot::Sender<Result<(), String>>,
        entitled: watch::Receiver<Entitled>,
    ) -> Option<Ended> {
        let mut tally = Tally::adopted(self.counters.clone(), live.clone());
        // All arrivals of an event loop use one sandbox at a time: resuming does not
        // yield to other tasks.
        let resumed = match arrival.resume(&self.engine) {
            Ok(resumed) => resumed,
            Err(reason) => {
                // The receiver may have been dropped.
                let _ = answer.send(Err(reason));
                return None;
            }
        };
        let _ = answer.send(Ok(()));
        // In a box: what it was made from is freed.
        let served = Box::pin(self.go_on(resumed, &mut tally, entitled));
        let outcome = select! {
            // The order to end first, as for every connection.
            biased;
            why = live.told_to_end() => Outcome::told(why, &live),
            outcome = served => outcome?,
        };
        Some(ending(outcome, &tally))
    }

    /// Relays, if we are entitled to.
    async fn go_on(
        &self,
        resumed: Resumed<'_>,
        tally: &mut Tally,
        mut entitled: watch::Receiver<Entitled>,
    ) -> Option<Outcome> {
        let known = entitled.wait_for(|entitled| *entitled == Entitled::Yes).await;
        // Without a sender, we will never be entitled.
        drop(known.ok()?);
        drop(entitled);
        if self.key_policy.close_revoked && tally.key().is_some_and(Key::is_revoked) {
            return Some(Outcome::Revoked(tally.traffic()));
        }
        let Resumed { mut session, inward, outward, crypt, plain, idle } = resumed;
        let limits = self.limits();
        let is_half_closed = inward.is_done() || outward.is_done();
        let inactivity = Inactivity::since(limits, idle, is_half_closed);
        let duplex = Duplex::going_on(&mut session, tally, inward, outward);
        let done = duplex.relay(None, &crypt, &plain, limits, inactivity).await;
        Some(settle(Outcome::of(done, tally), &crypt, &plain))
    }
}
