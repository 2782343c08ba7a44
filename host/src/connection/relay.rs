//! The duplex loop between two streams and one session.
//!
//! One read, one call, one write: a side is read only after all output of its last
//! read has been written. So a slow reader slows its writer, and a connection holds
//! at most one batch per direction. Between batches a connection holds nothing:
//! input and output are in buffers of the worker thread, except for output that
//! cannot be written immediately. After some time without a batch, the connection
//! drops its sandbox as well.
//!
//! `closing` handles what follows when a connection breaks; `moving` and `arriving`
//! hand a connection over to another process.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::connection::bell::Bell;
use crate::connection::buffer::{self, BATCH_LEN, PLAIN_BATCH_LEN};
use crate::connection::closing::close;
use crate::connection::direction::{CryptOrPlain, Direction, SideStream, Stop};
use crate::connection::inactivity::{Inactive, Inactivity};
use crate::connection::live::{Live, Stage};
use crate::connection::moving::{Moved, move_away};
use crate::connection::tally::Tally;
use crate::guest::{Failure, Sleeper};
use crate::net::stream::Stream;

/// How many batches a connection may move before other connections of its worker get
/// a turn.
pub(super) const BATCHES_A_TURN: usize = 2;

/// A session sleeps after this much time without a batch, or at most twice as much.
/// Sleeping and waking take about 50 µs of computing, so a connection whose messages
/// are just too rare to keep it awake costs 50 millionths of a processor.
const IDLE: Duration = Duration::from_secs(1);

/// Makes the timer that the connections of this event loop share, see
/// [`Bell`]. Called when the loop starts: if the loop's first connection made it,
/// the daemon could run out of descriptors later than at its start, where it counts
/// them.
pub(crate) fn prepare_loop() {
    Bell::of_this_loop(IDLE);
}

/// Time limits of an established connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a reader may accept no byte after the connection has broken.
    pub reader: Duration,
    /// The longest time in which no byte moves; `None`: no limit.
    pub idle: Option<Duration>,
    /// The same after one direction has ended.
    pub half_closed: Option<Duration>,
}

/// Why a connection broke.
#[derive(Debug)]
pub enum Broken {
    /// No byte has moved for longer than it may.
    Inactive(Inactive),
    /// The session failed.
    Session(Failure),
    /// The crypt side's socket failed.
    Crypt(io::Error),
    /// The plain side's socket failed.
    Plain(io::Error),
}

/// How a connection that has not broken ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Both directions have ended.
    Closed,
    /// Another process continues it.
    Moved,
}

/// Copies in both directions until both have ended, one breaks, or another process
/// continues the connection. `to_plain` is plaintext that arrived with the handshake,
/// and `failure` is set if the session failed right after it; `tally` counts bytes.
///
/// # Errors
/// Why the connection broke. Both streams have then been reset.
pub fn relay<'a, C, P>(
    session: &'a mut Sleeper<'_>,
    to_plain: Vec<u8>,
    failure: Option<Failure>,
    crypt: &'a C,
    plain: &'a P,
    tally: &'a mut Tally,
    limits: Limits,
) -> impl Future<Output = Result<Done, Broken>>
where
    C: Stream,
    P: Stream,
{
    Duplex::new(session, tally, to_plain).relay(
        failure,
        crypt,
        plain,
        limits,
        Inactivity::new(limits),
    )
}

/// A connection's two directions, and the session between them.
pub(super) struct Duplex<'a, 'e> {
    pub(super) session: &'a mut Sleeper<'e>,
    pub(super) tally: &'a mut Tally,
    /// From the crypt to the plain side.
    pub(super) inward: Direction,
    /// From the plain to the crypt side.
    pub(super) outward: Direction,
    /// Whether there was a batch since the bell last rang.
    moved: bool,
}

impl<'a, 'e> Duplex<'a, 'e> {
    /// `to_plain` has been authenticated already.
    pub(super) fn new(
        session: &'a mut Sleeper<'e>,
        tally: &'a mut Tally,
        to_plain: Vec<u8>,
    ) -> Self {
        Self::going_on(session, tally, Direction::new(to_plain), Direction::new(Vec::new()))
    }

    /// A connection whose directions are in this state.
    pub(super) fn going_on(
        session: &'a mut Sleeper<'e>,
        tally: &'a mut Tally,
        inward: Direction,
        outward: Direction,
    ) -> Self {
        // The bell may ring immediately after this: the connection counts as active.
        Self { session, tally, inward, outward, moved: true }
    }

    /// See [`relay`].
    pub(super) async fn relay<C: Stream, P: Stream>(
        mut self,
        failure: Option<Failure>,
        crypt: &C,
        plain: &P,
        limits: Limits,
        mut inactivity: Inactivity,
    ) -> Result<Done, Broken> {
        // In every case, also if this future is dropped before it is complete.
        let _wiped = buffer::WipeOnDrop;
        let stop = match failure {
            Some(failure) => Stop::Session(failure),
            None => match self.copy(crypt, plain, &mut inactivity).await {
                Ok(Ok(done)) => return Ok(done),
                // Both sides have already had the time to take what is pending.
                Ok(Err(inactive)) => {
                    crypt.reset();
                    plain.reset();
                    return Err(Broken::Inactive(inactive));
                }
                Err(stop) => stop,
            },
        };
        self.tally.reached(Stage::Closing);
        // In a box, so that connections that do not break need no memory for it.
        Err(Box::pin(close(self, stop, crypt, plain, limits.reader)).await)
    }

    /// Copies, and moves to another process if asked to.
    async fn copy<C: Stream, P: Stream>(
        &mut self,
        crypt: &C,
        plain: &P,
        inactivity: &mut Inactivity,
    ) -> Result<Result<Done, Inactive>, Stop> {
        let movable = Movable::new(self.tally.live().clone());
        loop {
            match self.run(crypt, plain, inactivity).await? {
                Ran::ToItsEnd => return Ok(Ok(Done::Closed)),
                Ran::Dry(inactive) => return Ok(Err(inactive)),
                Ran::Asked => {}
            }
            let Some(ticket) = movable.0.ticket() else { continue };
            // In a box: only few connections move at the same time.
            let moving = Box::pin(move_away(self, *ticket, crypt, plain, inactivity));
            match moving.await.map_err(Stop::Session)? {
                Moved::Away => return Ok(Ok(Done::Moved)),
                // The connection continues here.
                Moved::Not => {}
            }
        }
    }

    /// Copies until both directions have ended, nothing has moved for too long, the
    /// connection breaks, or it is asked to move.
    async fn run<C: Stream, P: Stream>(
        &mut self,
        crypt: &C,
        plain: &P,
        inactivity: &mut Inactivity,
    ) -> Result<Ran, Stop> {
        let mut crypt_gone = pin!(crypt.gone());
        let mut plain_gone = pin!(plain.gone());
        let bell = Bell::of_this_loop(IDLE);
        let mut ring = pin!(bell.next());
        poll_fn(|cx| {
            for _ in 0..BATCHES_A_TURN {
                if self.tally.live().is_asked_to_move() {
                    return Poll::Ready(Ok(Ran::Asked));
                }
                let received = self.poll_inward(cx, crypt, plain)?;
                let sent = self.poll_outward(cx, crypt, plain)?;
                inactivity.note(&self.inward, &self.outward);
                // protocol.md E-4: neither direction waits for the other, or
                // has a time limit that nobody has asked for.
                if self.inward.is_done() && self.outward.is_done() {
                    return Poll::Ready(Ok(Ran::ToItsEnd));
                }
                if received.is_pending() && sent.is_pending() {
                    // A sleeping connection needs no timer.
                    while self.session.is_awake() && ring.as_mut().poll(cx).is_ready() {
                        if mem::take(&mut self.moved) {
                            ring.set(bell.next());
                        } else {
                            self.session.sleep().map_err(Stop::Session)?;
                            self.tally.live().set_asleep(true);
                            buffer::wipe();
                        }
                    }
                    // While a stream is read, reading it reports its failure. A reset of a
                    // stream that is not read has to be watched for: otherwise a peer that
                    // has gone would keep its connection until the other side reads.
                    if !self.inward.is_reading() && crypt_gone.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Err(Stop::Gone(CryptOrPlain::Crypt)));
                    }
                    if !self.outward.is_reading() && plain_gone.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Err(Stop::Gone(CryptOrPlain::Plain)));
                    }
                    return inactivity.poll(cx).map(|inactive| Ok(Ran::Dry(inactive)));
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    /// The direction that reads from there.
    pub(super) fn from(&mut self, at: CryptOrPlain) -> &mut Direction {
        match at {
            CryptOrPlain::Crypt => &mut self.inward,
            CryptOrPlain::Plain => &mut self.outward,
        }
    }

    /// The direction that writes to there.
    pub(super) fn to(&mut self, at: CryptOrPlain) -> &mut Direction {
        match at {
            CryptOrPlain::Crypt => &mut self.outward,
            CryptOrPlain::Plain => &mut self.inward,
        }
    }

    /// Moves the inward direction on: [`Direction::poll_batch`].
    pub(super) fn poll_inward<C: Stream, P: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        crypt: &C,
        plain: &P,
    ) -> Poll<Result<(), Stop>> {
        let Self { session, tally, inward, moved, .. } = self;
        let (from, to) =
            (SideStream(CryptOrPlain::Crypt, crypt), SideStream(CryptOrPlain::Plain, plain));
        let polled = inward.poll_batch(cx, from, to, BATCH_LEN, |bytes, out| {
            *moved = true;
            note_waking(session, tally);
            match bytes {
                Some(bytes) => session.handle_crypt(bytes, out),
                None => session.crypt_eof(out),
            }
        });
        // Counts what the application's socket has accepted, not what was decrypted.
        if inward.just_written > 0 {
            tally.received(inward.just_written);
        }
        polled
    }

    /// Moves the outward direction on: [`Direction::poll_batch`].
    pub(super) fn poll_outward<C: Stream, P: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        crypt: &C,
        plain: &P,
    ) -> Poll<Result<(), Stop>> {
        let Self { session, tally, outward, moved, .. } = self;
        let (from, to) =
            (SideStream(CryptOrPlain::Plain, plain), SideStream(CryptOrPlain::Crypt, crypt));
        outward.poll_batch(cx, from, to, PLAIN_BATCH_LEN, |bytes, out| {
            *moved = true;
            note_waking(session, tally);
            tally.sent(bytes.map_or(0, <[u8]>::len));
            match bytes {
                Some(bytes) => session.handle_plain(bytes, out),
                None => session.plain_eof(out),
            }
        })
    }
}

/// Why the loop has stopped.
enum Ran {
    /// Both directions have ended.
    ToItsEnd,
    /// No byte has moved for longer than it may.
    Dry(Inactive),
    /// The connection is asked to move.
    Asked,
}

/// A connection can be asked to move until this is dropped.
struct Movable(Arc<Live>);

impl Movable {
    fn new(live: Arc<Live>) -> Self {
        live.set_movable(true);
        Self(live)
    }
}

impl Drop for Movable {
    fn drop(&mut self) {
        self.0.set_movable(false);
    }
}

/// A session is about to be called.
fn note_waking(session: &Sleeper<'_>, tally: &Tally) {
    if !session.is_awake() {
        tally.live().set_asleep(false);
    }
}
