//! Moves connections from this process to its successor.
//!
//! A connection's own task stops it between two batches, suspends its session, and
//! sends everything that belongs to it. Then it only waits for a verdict: the
//! connection is taken back and continues here, or it is let go permanently.
//!
//! **The rule**: at most one process can encrypt with the state of a session. In this
//! process, the state of a connection that was sent is in one place, [`States`], and
//! whichever task takes it out owns it. There are three ways out of the wait:
//!
//! - Let go: all states are wiped, and [`Removal::let_go`] returns only afterwards. The
//!   other process is told after that. A task that looks for its state finds none and
//!   closes its sockets, which the other process has as well. If the other process
//!   cannot be told any more, the connections are lost: the sockets are reset, because
//!   the other process may hang with copies of them, and neither end would ever see
//!   data or an end.
//! - Taken back, which also happens if a removal is dropped: each task takes its state
//!   out and continues. The other process is never told that these connections are its
//!   own.
//! - The task is dropped, because the connection is told to end: it takes its state out
//!   and wipes it. The other process must not continue it either, so the sockets are
//!   reset.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::select;
use tokio::sync::{mpsc, watch};

use crate::connection::inactivity::Inactivity;
use crate::connection::live::Live;
use crate::connection::relay::Duplex;
use crate::guest::Failure;
use crate::handover::channel::{Channel, ChannelError};
use crate::handover::messages::{self, Message};
use crate::keys::Key;
use crate::net::stream::Stream;
use crate::process::secrets::Locked;

/// Connections that leave together.
pub(crate) struct Removal {
    channel: Arc<Channel>,
    states: Arc<States>,
    /// Wakes the waiting tasks when it is used or dropped.
    over: watch::Sender<()>,
}

impl Removal {
    /// A removal that sends connections through this channel.
    #[must_use]
    pub(crate) fn new(channel: Arc<Channel>) -> Arc<Self> {
        Arc::new(Self { channel, states: Arc::default(), over: watch::Sender::new(()) })
    }

    /// Stops these connections of a pipe and sends them. Connections that are not
    /// established, or end before their turn, are left alone. `keys` are those that
    /// [`messages::Pipe::keys`] contains. Returns how many were sent, when no other is
    /// still to be sent.
    ///
    /// Dropping the future stops nothing; only a verdict does.
    ///
    /// # Errors
    /// The first error of connections that could not be sent and continue here. Others
    /// may have been sent.
    pub(crate) async fn send(
        &self,
        pipe: &str,
        keys: &Arc<[Key]>,
        connections: Vec<Arc<Live>>,
    ) -> Result<u64, ChannelError> {
        let (report, mut reports) = mpsc::channel(connections.len().max(1));
        let (channel, states) = (self.channel.clone(), self.states.clone());
        let (pipe, keys) = (pipe.to_owned(), keys.clone());
        let round = Arc::new(Round { channel, states, pipe, keys });
        for live in connections {
            let (round, over) = (round.clone(), self.over.subscribe());
            live.ask_to_move(Ticket { round, over, report: report.clone() });
        }
        // The other copies are dropped with the tickets.
        drop(report);
        let (mut sent, mut failed) = (0, None);
        while let Some(report) = reports.recv().await {
            match report {
                Ok(()) => sent += 1,
                Err(error) => _ = failed.get_or_insert(error),
            }
        }
        failed.map_or(Ok(sent), Err)
    }

    /// Everything that was sent, or would be, continues here. Never commit it
    /// afterwards.
    pub(crate) fn take_back(&self) {
        self.states.lock().taken_back = true;
        self.over.send_replace(());
    }

    /// Wipes the states of all connections that were sent: from now on, none of them
    /// can continue here. Call it once, when nothing is being sent.
    ///
    /// Their sockets are closed when this is dropped, because nothing has to wait for
    /// that: the other process serves already.
    ///
    /// # Errors
    /// If the connections were taken back: the other process must not have them.
    pub(crate) fn let_go(&self) -> Result<(), TakenBack> {
        let mut kept = self.states.lock();
        if kept.taken_back {
            return Err(TakenBack);
        }
        for Suspended { state, live } in kept.states.take().into_iter().flatten().flatten() {
            drop(state);
            live.set_gone();
        }
        Ok(())
    }

    /// The other process will not continue the connections that were let go of. It may
    /// exist and have their sockets, so these are reset: a close would not reach the
    /// peers.
    pub(crate) fn lose(&self) {
        self.states.lock().lost = true;
        self.over.send_replace(());
    }
}

/// Why connections cannot be let go of.
#[derive(Debug, Error)]
#[error("the connections were taken back")]
pub(crate) struct TakenBack;

/// The states of connections that were sent.
#[derive(Debug, Default)]
struct States(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    /// Each state until it is taken out; `None` after they were let go.
    states: Option<Vec<Option<Suspended>>>,
    taken_back: bool,
    /// Whether they were let go of and then lost.
    lost: bool,
}

/// The state of a session, and its connection.
#[derive(Debug)]
struct Suspended {
    state: Locked,
    live: Arc<Live>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { states: Some(Vec::new()), taken_back: false, lost: false }
    }
}

impl States {
    /// Stores this state. Returns its place, or `None` if all states were let go, and
    /// this one with them.
    fn keep(&self, state: Locked, live: Arc<Live>) -> Option<usize> {
        let mut kept = self.lock();
        let Some(states) = &mut kept.states else {
            live.set_gone();
            return None;
        };
        states.push(Some(Suspended { state, live }));
        Some(states.len() - 1)
    }

    /// Takes out the state at this place; `None` if it was let go.
    fn take(&self, place: Option<usize>) -> Option<Locked> {
        self.lock().states.as_mut()?.get_mut(place?)?.take().map(|it| it.state)
    }

    /// The lock cannot be poisoned: nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What connections that are asked together share.
#[derive(Debug)]
struct Round {
    channel: Arc<Channel>,
    states: Arc<States>,
    pipe: String,
    keys: Arc<[Key]>,
}

/// Permission for a connection to move. Dropping it means that the connection does not
/// move.
#[derive(Debug)]
pub(super) struct Ticket {
    round: Arc<Round>,
    over: watch::Receiver<()>,
    report: mpsc::Sender<Result<(), ChannelError>>,
}

/// Whether it has moved.
pub(super) enum Moved {
    /// Another process continues it.
    Away,
    /// It continues here.
    Not,
}

/// Sends a connection that has just stopped between two batches, and waits for the
/// verdict.
///
/// # Errors
/// When the session has failed.
pub(super) async fn move_away<C: Stream, P: Stream>(
    duplex: &mut Duplex<'_, '_>,
    ticket: Ticket,
    crypt: &C,
    plain: &P,
    inactivity: &Inactivity,
) -> Result<Moved, Failure> {
    let Ticket { round, mut over, report } = ticket;
    if round.states.lock().taken_back {
        return Ok(Moved::Not);
    }
    let Some(descriptors) = crypt.socket().zip(plain.socket()) else { return Ok(Moved::Not) };
    let live = duplex.tally.live().clone();
    let state = duplex.session.state()?;
    live.set_asleep(true);
    let directions = duplex.inward.to_move().zip(duplex.outward.to_move());
    let Some(((inward, to_plain), (outward, to_crypt))) = directions else {
        return Ok(Moved::Not);
    };
    let Some(mut connection) = round.describe(&live) else { return Ok(Moved::Not) };
    connection.state = state.len();
    connection.idle = milliseconds(inactivity.idle().unwrap_or(Duration::MAX).min(live.idle()));
    (connection.inward, connection.outward) = (inward, outward);
    let message = Message::Connection(connection);
    let descriptors = [descriptors.0, descriptors.1];
    let secrets = [state, to_plain, to_crypt];
    let sent = select! {
        // The end of the removal first: then this connection is not part of it and must
        // not be sent.
        biased;
        _ = over.changed() => return Ok(Moved::Not),
        sent = round.channel.send(&message, &descriptors, &secrets) => sent,
    };
    let was_sent = sent.is_ok();
    // No await may be between the sending and this: if the task were dropped there, the
    // state would still be in the session here, after it was sent.
    let waiting = was_sent.then(|| {
        let state = duplex.session.take_state();
        let place = state.and_then(|state| round.states.keep(state, live));
        Waiting { duplex, crypt, plain, states: round.states.clone(), place, goes_on: false }
    });
    // If the future of `send` was dropped, nobody needs the result.
    let _ = report.try_send(sent);
    drop((report, round));
    let Some(waiting) = waiting else { return Ok(Moved::Not) };
    let _ = over.changed().await;
    Ok(waiting.end())
}

impl Round {
    /// The message about a connection, except for what only its task knows; `None` if
    /// its key is not known to the other process.
    fn describe(&self, live: &Live) -> Option<messages::Connection> {
        let index = |key: &Key| self.keys.iter().position(|other| other.is_same(key));
        let key = match live.key() {
            Some(key) => Some(index(key)?),
            None => None,
        };
        let source = live.source();
        let traffic = live.traffic();
        Some(messages::Connection {
            pipe: self.pipe.clone(),
            id: live.id(),
            peer: source.map(|source| source.shown.to_string()),
            peer_address: source.and_then(|source| Some(source.prefix?.address())),
            key,
            age: milliseconds(live.age()),
            sent: traffic.sent,
            received: traffic.received,
            ..messages::Connection::default()
        })
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A connection that was sent and waits for the verdict. However that ends, the rule
/// holds: see above.
struct Waiting<'a, 'b, 'e, C: Stream, P: Stream> {
    duplex: &'a mut Duplex<'b, 'e>,
    crypt: &'a C,
    plain: &'a P,
    states: Arc<States>,
    /// The place of its state.
    place: Option<usize>,
    goes_on: bool,
}

impl<C: Stream, P: Stream> Waiting<'_, '_, '_, C, P> {
    /// Continues it, unless it was let go.
    fn end(mut self) -> Moved {
        let Some(state) = self.states.take(self.place) else { return Moved::Away };
        // Nothing else has changed: its session wakes with the next batch.
        self.duplex.session.give_back(state);
        self.goes_on = true;
        Moved::Not
    }
}

impl<C: Stream, P: Stream> Drop for Waiting<'_, '_, '_, C, P> {
    fn drop(&mut self) {
        if self.goes_on {
            return;
        }
        let state = self.states.take(self.place);
        if state.is_some() || self.states.lock().lost {
            drop(state);
            self.crypt.reset();
            self.plain.reset();
        }
    }
}
