//! The duplex loop between two streams and one session.
//!
//! One read, one call, one write: a side is read only when all that its last
//! read produced has been written, so a slow reader slows its writer and a
//! connection never holds more than one batch a direction. Between batches a
//! connection holds nothing: what is read, and what is made of it, is in buffers
//! that belong to the worker thread, unless it cannot be written at once. After a
//! while without a batch it gives up its sandbox as well.
//!
//! What follows when something breaks is in `closing`; when another process takes
//! the connection over, in `moving` and `arriving`.

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

/// Batches one connection may move before others on its worker get a turn.
pub(super) const BATCHES_A_TURN: usize = 2;

/// Without a batch for this long, or at most twice as long, a session falls
/// asleep. To sleep and wake costs some 50 µs of computing: whoever speaks just
/// too seldom to stay awake pays 50 millionths of a processor.
const IDLE: Duration = Duration::from_secs(1);

/// Makes what connections on this event loop fall asleep by, of which there is one.
pub(crate) fn prepare_loop() {
    Bell::of_this_loop(IDLE);
}

/// Time limits of an established connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a reader may stand still once something has broken.
    pub reader: Duration,
    /// How long no byte may move; `None`: any time.
    pub idle: Option<Duration>,
    /// The same once one direction has ended.
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
    /// Another process goes on with it.
    Moved,
}

/// Copies both ways until both directions have ended, or one breaks, or another
/// process goes on. `to_plain` is what came out of the handshake, and `failure` is set if the
/// session failed right after that; `tally` counts as it goes.
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

/// A connection's two directions, and what is between them.
pub(super) struct Duplex<'a, 'e> {
    pub(super) session: &'a mut Sleeper<'e>,
    pub(super) tally: &'a mut Tally,
    /// From the crypt to the plain side.
    pub(super) inward: Direction,
    /// From the plain to the crypt side.
    pub(super) outward: Direction,
    /// Whether there was a batch since this was last looked at.
    moved: bool,
}

impl<'a, 'e> Duplex<'a, 'e> {
    /// `to_plain` has been verified already.
    pub(super) fn new(
        session: &'a mut Sleeper<'e>,
        tally: &'a mut Tally,
        to_plain: Vec<u8>,
    ) -> Self {
        Self::going_on(session, tally, Direction::new(to_plain), Direction::new(Vec::new()))
    }

    /// One that has come this far, inward and outward.
    pub(super) fn going_on(
        session: &'a mut Sleeper<'e>,
        tally: &'a mut Tally,
        inward: Direction,
        outward: Direction,
    ) -> Self {
        // The first ring may come at once.
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
        // However this ends, also if it is not polled to its end.
        let _wiped = buffer::WipeOnDrop;
        let stop = match failure {
            Some(failure) => Stop::Session(failure),
            None => match self.copy(crypt, plain, &mut inactivity).await {
                Ok(Ok(done)) => return Ok(done),
                // Neither side has taken a byte for long enough already.
                Ok(Err(inactive)) => {
                    crypt.reset();
                    plain.reset();
                    return Err(Broken::Inactive(inactive));
                }
                Err(stop) => stop,
            },
        };
        self.tally.reached(Stage::Closing);
        // In a box: no other connection needs room for it.
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
            // In a box: only few move at a time.
            let moving = Box::pin(move_away(self, *ticket, crypt, plain, inactivity));
            match moving.await.map_err(Stop::Session)? {
                Moved::Away => return Ok(Ok(Done::Moved)),
                // As if nothing had happened.
                Moved::Not => {}
            }
        }
    }

    /// Copies until both directions have ended, or nothing has moved for too long,
    /// or something breaks, or it is asked to move.
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
                    // Asleep, it needs no clock either.
                    while self.session.is_awake() && ring.as_mut().poll(cx).is_ready() {
                        if mem::take(&mut self.moved) {
                            ring.set(bell.next());
                        } else {
                            self.session.sleep().map_err(Stop::Session)?;
                            self.tally.live().set_asleep(true);
                            buffer::wipe();
                        }
                    }
                    // A stream that is being read tells by itself.
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
        // What the application's side has taken, not what it was offered.
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

/// What the loop has come to.
enum Ran {
    /// Both directions have ended.
    ToItsEnd,
    /// No byte has moved for longer than it may.
    Dry(Inactive),
    /// It is asked to move.
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
