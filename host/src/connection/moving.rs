//! How connections leave this process for the one that takes over.
//!
//! A connection's own task stops it between two batches, suspends its session, and
//! sends all there is of it. From then on it does nothing but wait for a verdict:
//! the connection is taken back and goes on, or it is let go, for good.
//!
//! **The rule**: the state of a session can encrypt in at most one process. Here it is
//! kept by order alone, as there are but three ways out of the wait:
//!
//! - Let go: the state is wiped before anybody is told so, and only then can
//!   [`Removal::let_go`] return. The other process hears of that afterwards.
//! - Taken back, which also is what becomes of a removal that is dropped. A verdict
//!   stands: the other process is never told that these are its own.
//! - The task is dropped, since somebody wants the connection to end: the state goes
//!   with it. As the sockets are the other process's, too, they are reset.

use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::connection::inactivity::Inactivity;
use crate::connection::live::Live;
use crate::connection::relay::Duplex;
use crate::guest::Failure;
use crate::handover::channel::{Channel, ChannelError};
use crate::handover::messages::{self, Message};
use crate::keys::Key;
use crate::net::stream::Stream;

/// Connections that leave together.
pub(crate) struct Removal {
    channel: Arc<Channel>,
    /// Each connection that was sent keeps a receiver until its state is wiped.
    verdict: watch::Sender<Verdict>,
}

/// What becomes of connections that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// That is not known yet.
    Open,
    /// They go on here.
    TakenBack,
    /// They go on elsewhere.
    LetGo,
}

impl Removal {
    /// Nobody has left yet; they will, through there.
    #[must_use]
    pub(crate) fn new(channel: Arc<Channel>) -> Arc<Self> {
        Arc::new(Self { channel, verdict: watch::Sender::new(Verdict::Open) })
    }

    /// Stops these connections of a pipe, and sends them. Those that are not
    /// established, or end before it is their turn, are left alone. `keys` are those
    /// that [`messages::Pipe::keys`] has named. Says how many were sent, when none of
    /// them is yet to be.
    ///
    /// Losing the future stops nothing; a verdict does.
    ///
    /// # Errors
    /// The first, of connections that could not be sent and go on. Others may have
    /// been.
    pub(crate) async fn send(
        &self,
        pipe: &str,
        keys: &Arc<[Key]>,
        connections: Vec<Arc<Live>>,
    ) -> Result<u64, ChannelError> {
        let (report, mut reports) = mpsc::channel(connections.len().max(1));
        let (channel, keys) = (self.channel.clone(), keys.clone());
        let round = Arc::new(Round { channel, pipe: pipe.to_owned(), keys });
        for live in connections {
            let (round, verdict) = (round.clone(), self.verdict.subscribe());
            live.ask_to_move(Ticket { round, verdict, report: report.clone() });
        }
        // Of the others, each goes with its ticket.
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

    /// All that were sent, or would be, go on here. Never commit them afterwards.
    pub(crate) fn take_back(&self) {
        self.decide(Verdict::TakenBack);
    }

    /// None that was sent can go on here from now on: this cannot be taken back. To be
    /// called when nothing is being sent. Returns when their states are wiped; if an
    /// event loop does not get to that in time, it will, and can do nothing else.
    pub(crate) async fn let_go(&self) {
        let stands = self.decide(Verdict::LetGo);
        debug_assert!(stands, "they were taken back");
        // Too late is as good: see above.
        let _ = timeout(WIPED_WITHIN, self.verdict.closed()).await;
    }

    /// The first verdict stands. Says whether it is this one.
    fn decide(&self, verdict: Verdict) -> bool {
        self.verdict.send_if_modified(|stands| {
            let is_first = *stands == Verdict::Open;
            if is_first {
                *stands = verdict;
            }
            is_first
        })
    }
}

/// An event loop turns in milliseconds.
const WIPED_WITHIN: Duration = Duration::from_secs(5);

/// What those have in common that are asked together.
#[derive(Debug)]
struct Round {
    channel: Arc<Channel>,
    pipe: String,
    keys: Arc<[Key]>,
}

/// With it, a connection moves. To drop it means that it does not.
#[derive(Debug)]
pub(super) struct Ticket {
    round: Arc<Round>,
    verdict: watch::Receiver<Verdict>,
    report: mpsc::Sender<Result<(), ChannelError>>,
}

/// Whether it has moved.
pub(super) enum Moved {
    /// Another process goes on with it.
    Away,
    /// It goes on here.
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
    let Ticket { round, mut verdict, report } = ticket;
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
        // First: what was decided without it is not for it, and it has not been sent.
        biased;
        () = decided(&mut verdict) => return Ok(Moved::Not),
        sent = round.channel.send(&message, &descriptors, &secrets) => sent,
    };
    let was_sent = sent.is_ok();
    // Whoever has lost the future has decided, or will.
    let _ = report.try_send(sent);
    drop(report);
    if !was_sent {
        return Ok(Moved::Not);
    }
    // No await is between this and the sending.
    let mut sent = Sent { duplex, crypt, plain, taken_back: false, verdict };
    decided(&mut sent.verdict).await;
    Ok(sent.end())
}

/// Resolves when there is a verdict.
async fn decided(verdict: &mut watch::Receiver<Verdict>) {
    // Without a removal there will be none: they are taken back.
    let _ = verdict.wait_for(|verdict| *verdict != Verdict::Open).await;
}

impl Round {
    /// A connection, but for what only its task knows; nothing if its key is not known
    /// elsewhere.
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

/// A connection that was sent, and waits. However that ends, the rule holds: see
/// above.
struct Sent<'a, 'b, 'e, C: Stream, P: Stream> {
    duplex: &'a mut Duplex<'b, 'e>,
    crypt: &'a C,
    plain: &'a P,
    taken_back: bool,
    /// Dropped when the state is wiped, and not before.
    verdict: watch::Receiver<Verdict>,
}

impl<C: Stream, P: Stream> Sent<'_, '_, '_, C, P> {
    /// As was decided. Without a removal, nobody is told that it was let go.
    fn end(mut self) -> Moved {
        self.taken_back = *self.verdict.borrow() != Verdict::LetGo;
        // Nothing of it has changed: its session wakes with the next batch.
        if self.taken_back { Moved::Not } else { Moved::Away }
    }
}

impl<C: Stream, P: Stream> Drop for Sent<'_, '_, '_, C, P> {
    fn drop(&mut self) {
        if self.taken_back {
            return;
        }
        let is_let_go = *self.verdict.borrow() == Verdict::LetGo;
        let Duplex { session, inward, outward, tally, .. } = &mut *self.duplex;
        session.let_go();
        inward.give_up();
        outward.give_up();
        if is_let_go {
            tally.live().set_gone();
        } else {
            self.crypt.reset();
            self.plain.reset();
        }
    }
}
