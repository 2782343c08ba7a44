//! The duplex loop between two streams and one session.
//!
//! One read, one call, one write: a side is read only when all that its last
//! read produced has been written, so a slow reader slows its writer and a
//! connection never holds more than one batch a direction. Between batches a
//! connection holds nothing: reads go to a buffer that belongs to the worker
//! thread. After a while without a batch it gives up its sandbox as well.
//!
//! The buffer keeps what was read until a connection sleeps or ends: then it
//! is wiped, whosever bytes are in it, and so is what calls left on the stack.
//!
//! What follows when something breaks is in [`closing`](super::closing).

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::ReadBuf;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::connection::closing::close;
use crate::connection::tally::Tally;
use crate::guest::{Failure, Sleeper, Status};
use crate::net::stream::Stream;
use crate::process::wipe::{wipe, wipe_stack};

/// One read from the crypt side: 64 packets.
const BATCH_LEN: usize = 64 * 1060;
/// One read from the plain side: what 64 packets carry.
const PLAIN_BATCH_LEN: usize = 64 * 1024;

/// Batches one connection may move before others on its worker get a turn.
pub(super) const BATCHES_A_TURN: usize = 8;

/// Without a batch for this long, or at most twice as long, a session falls
/// asleep. To sleep and wake costs some 50 µs of computing: whoever speaks just
/// too seldom to stay awake pays 50 millionths of a processor.
const IDLE: Duration = Duration::from_secs(1);

thread_local! {
    static BUFFER: RefCell<Buffer> = RefCell::new(Buffer::new());
}

/// Why a connection broke.
#[derive(Debug)]
pub enum Broken {
    /// The session failed.
    Session(Failure),
    /// The crypt side's socket failed.
    Crypt(io::Error),
    /// The plain side's socket failed.
    Plain(io::Error),
}

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Crypt,
    Plain,
}

impl Place {
    pub(super) fn broken(self, error: io::Error) -> Broken {
        match self {
            Self::Crypt => Broken::Crypt(error),
            Self::Plain => Broken::Plain(error),
        }
    }
}

/// What keeps the relay from going on as it did.
pub(super) enum Stop {
    /// The session failed.
    Session(Failure),
    /// Nothing more can be read from there.
    Read(Place, io::Error),
    /// Nothing more can be written to there.
    Write(Place, io::Error),
    /// Nor here. To find out why, it would have to be read to its end.
    Gone(Place),
}

/// Copies both ways until both directions have ended, or one breaks.
/// `to_plain` is what came out of the handshake, and `failure` is set if the
/// session failed right after that; `tally` counts as it goes. Once something
/// has broken, `limit` is how long a reader may stand still.
///
/// # Errors
/// Why the connection broke. Both streams have then been reset.
pub async fn relay<C, P>(
    session: &mut Sleeper<'_>,
    to_plain: Vec<u8>,
    failure: Option<Failure>,
    crypt: &C,
    plain: &P,
    tally: &mut Tally,
    limit: Duration,
) -> Result<(), Broken>
where
    C: Stream,
    P: Stream,
{
    // However this ends, also if it is not polled to its end.
    let _wiped = WipeOnDrop;
    let mut duplex = Duplex::new(session, tally, to_plain);
    let stop = match failure {
        Some(failure) => Stop::Session(failure),
        None => match duplex.run(crypt, plain).await {
            Ok(()) => return Ok(()),
            Err(stop) => stop,
        },
    };
    // In a box: no other connection needs room for it.
    Err(Box::pin(close(duplex, stop, crypt, plain, limit)).await)
}

/// A connection's two directions, and what is between them.
pub(super) struct Duplex<'a, 'e> {
    session: &'a mut Sleeper<'e>,
    tally: &'a mut Tally,
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
        let (inward, outward) = (Direction::new(to_plain), Direction::new(Vec::new()));
        Self { session, tally, inward, outward, moved: false }
    }

    /// Copies until both directions have ended, or something breaks.
    async fn run<C: Stream, P: Stream>(&mut self, crypt: &C, plain: &P) -> Result<(), Stop> {
        let mut crypt_gone = pin!(crypt.gone());
        let mut plain_gone = pin!(plain.gone());
        let mut nap = interval_at(Instant::now() + IDLE, IDLE);
        nap.set_missed_tick_behavior(MissedTickBehavior::Delay);
        poll_fn(|cx| {
            for _ in 0..BATCHES_A_TURN {
                let received = self.poll_inward(cx, crypt, plain)?;
                let sent = self.poll_outward(cx, crypt, plain)?;
                // protocol.md E-4: neither direction waits for the other, or
                // has a time limit.
                if self.inward.is_done() && self.outward.is_done() {
                    return Poll::Ready(Ok(()));
                }
                if received.is_pending() && sent.is_pending() {
                    // Asleep, it needs no clock either.
                    while self.session.is_awake() && nap.poll_tick(cx).is_ready() {
                        if !mem::take(&mut self.moved) {
                            self.session.sleep().map_err(Stop::Session)?;
                            Buffer::wipe();
                        }
                    }
                    // A stream that is being read tells by itself.
                    if !self.inward.is_reading() && crypt_gone.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Err(Stop::Gone(Place::Crypt)));
                    }
                    if !self.outward.is_reading() && plain_gone.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Err(Stop::Gone(Place::Plain)));
                    }
                    return Poll::Pending;
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    /// The direction that reads from there.
    pub(super) fn from(&mut self, place: Place) -> &mut Direction {
        match place {
            Place::Crypt => &mut self.inward,
            Place::Plain => &mut self.outward,
        }
    }

    /// The direction that writes to there.
    pub(super) fn to(&mut self, place: Place) -> &mut Direction {
        match place {
            Place::Crypt => &mut self.outward,
            Place::Plain => &mut self.inward,
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
        let (from, to) = (End(Place::Crypt, crypt), End(Place::Plain, plain));
        let polled = inward.poll_batch(cx, from, to, BATCH_LEN, |bytes| {
            *moved = true;
            let output = match bytes {
                Some(bytes) => session.handle_crypt(bytes),
                None => session.crypt_eof(),
            };
            (output.to_plain, output.status)
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
        let (from, to) = (End(Place::Plain, plain), End(Place::Crypt, crypt));
        outward.poll_batch(cx, from, to, PLAIN_BATCH_LEN, |bytes| {
            *moved = true;
            let output = match bytes {
                Some(bytes) => session.handle_plain(bytes),
                None => session.plain_eof(),
            };
            tally.sent(bytes.map_or(0, <[u8]>::len));
            (output.to_crypt, output.status)
        })
    }
}

/// What the connections of a worker thread read into, one after the other.
struct Buffer {
    bytes: Box<[u8]>,
    /// Beyond these, all are zeros.
    used: usize,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; BATCH_LEN].into(), used: 0 }
    }

    /// Reads up to so many bytes into this thread's.
    fn poll_read<S: Stream, T>(
        cx: &mut Context<'_>,
        stream: &S,
        max: usize,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Poll<io::Result<T>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(&mut buffer.bytes[..max]);
            ready!(stream.poll_read(cx, &mut read))?;
            let bytes = read.filled();
            buffer.used = buffer.used.max(bytes.len());
            Poll::Ready(Ok(take(bytes)))
        })
    }

    /// Wipes this thread's, and the unused part of its stack.
    fn wipe() {
        wipe_stack();
        // Gone with its thread is as good: the heap is wiped when freed.
        let _ = BUFFER.try_with(|buffer| {
            let buffer = &mut *buffer.borrow_mut();
            wipe(&mut buffer.bytes[..mem::take(&mut buffer.used)]);
        });
    }
}

/// A connection's plaintext does not outlive it.
struct WipeOnDrop;

impl Drop for WipeOnDrop {
    fn drop(&mut self) {
        Buffer::wipe();
    }
}

/// Reads a batch for nobody. Says how long it was.
pub(super) fn poll_discard<S: Stream>(cx: &mut Context<'_>, stream: &S) -> Poll<io::Result<usize>> {
    Buffer::poll_read(cx, stream, BATCH_LEN, <[u8]>::len)
}

/// A stream, and which it is.
struct End<'a, S>(Place, &'a S);

/// One direction's state between polls.
pub(super) struct Direction {
    /// Made by the session, not yet written.
    pending: Vec<u8>,
    written: usize,
    /// How much of that the last poll wrote.
    pub(super) just_written: usize,
    stage: Stage,
    /// A write to where this direction reads from has failed like this, which
    /// has used up the error: an end that is read there is none.
    failed: Option<io::ErrorKind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reading,
    /// The last bytes are in `pending`; then the write side is closed.
    Ending,
    /// The last bytes are in `pending`, and no end follows them.
    Breaking,
    /// The write side is closed, since then.
    Done(Instant),
}

impl Direction {
    fn new(pending: Vec<u8>) -> Self {
        let stage = Stage::Reading;
        Self { pending, written: 0, just_written: 0, stage, failed: None }
    }

    fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done(_))
    }

    /// Whether it waits for bytes, and for nothing else.
    fn is_reading(&self) -> bool {
        self.is_open() && self.is_written()
    }

    /// Whether more bytes may come.
    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Reading
    }

    /// Whether nothing is left to be written.
    pub(super) fn is_written(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether all has been written, an end included if there is one.
    pub(super) fn is_over(&self) -> bool {
        match self.stage {
            Stage::Reading | Stage::Ending => false,
            Stage::Breaking => self.is_written(),
            Stage::Done(_) => true,
        }
    }

    /// Since when the reader has known that this direction came to its end.
    pub(super) fn done_since(&self) -> Option<Instant> {
        match self.stage {
            Stage::Done(since) => Some(since),
            Stage::Reading | Stage::Ending | Stage::Breaking => None,
        }
    }

    /// Nothing more is read. What was, is still written; then the stream is to
    /// be reset.
    pub(super) fn stop_reading(&mut self) {
        if !self.is_done() {
            self.stage = Stage::Breaking;
        }
    }

    /// Nobody takes another byte.
    pub(super) fn give_up(&mut self) {
        self.stop_reading();
        self.pending = Vec::new();
        self.written = 0;
    }

    /// Writing to where this reads from has failed.
    pub(super) fn note_failed_write(&mut self, error: &io::Error) {
        // The other end had finished before it went: its end stands.
        if error.kind() != io::ErrorKind::BrokenPipe {
            self.failed = Some(error.kind());
        }
    }

    /// Writes what is pending, then moves one batch on. `handle` is given what
    /// was read, or that it was the end. `Pending` when a
    /// stream has to become ready first, or all is done.
    fn poll_batch<R: Stream, W: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        End(from, reader): End<'_, R>,
        End(to, writer): End<'_, W>,
        max: usize,
        handle: impl FnOnce(Option<&[u8]>) -> (Vec<u8>, Status),
    ) -> Poll<Result<(), Stop>> {
        self.just_written = 0;
        let failed_write = |error| Stop::Write(to, error);
        ready!(self.poll_write(cx, writer)).map_err(failed_write)?;
        match self.stage {
            Stage::Reading => {
                let status = ready!(self.poll_read(cx, reader, max, handle));
                let status = status.map_err(|error| Stop::Read(from, error))?;
                // What came before a failure goes out as well: protocol.md F-1.
                if let Status::Failed(failure) = status {
                    return Poll::Ready(Err(Stop::Session(failure)));
                }
                // At once as a rule; what is left waits for the next turn.
                self.poll_write(cx, writer).map_err(failed_write)
            }
            Stage::Ending => {
                // A stream that is gone already needs no closing.
                if let Err(error) = writer.end()
                    && error.kind() != io::ErrorKind::NotConnected
                {
                    return Poll::Ready(Err(failed_write(error)));
                }
                self.stage = Stage::Done(Instant::now());
                Poll::Ready(Ok(()))
            }
            Stage::Breaking | Stage::Done(_) => Poll::Pending,
        }
    }

    /// Reads and handles one batch, or the end.
    fn poll_read<R: Stream>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &R,
        max: usize,
        handle: impl FnOnce(Option<&[u8]>) -> (Vec<u8>, Status),
    ) -> Poll<io::Result<Status>> {
        let handled: io::Result<_> = ready!(Buffer::poll_read(cx, reader, max, |bytes| {
            // Only the end of a stream ends a direction, and only a stream that
            // ends cleanly: protocol.md E-2, E-3.
            let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
            if bytes.is_none() {
                if let Some(failed) = self.failed.take() {
                    return Err(failed.into());
                }
                self.stage = Stage::Ending;
            }
            Ok(handle(bytes))
        }))?;
        let (pending, status) = handled?;
        self.pending = pending;
        Poll::Ready(Ok(status))
    }

    fn poll_write<W: Stream>(&mut self, cx: &mut Context<'_>, writer: &W) -> Poll<io::Result<()>> {
        if self.pending.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.written < self.pending.len() {
            let rest = &self.pending[self.written..];
            match ready!(writer.poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => {
                    self.written += written;
                    self.just_written += written;
                }
            }
        }
        self.pending = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}
