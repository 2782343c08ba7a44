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

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::connection::tally::Tally;
use crate::guest::{Failure, Sleeper, Status};
use crate::process::wipe::{wipe, wipe_stack};

/// One read from the crypt side: 64 packets.
const BATCH_LEN: usize = 64 * 1060;
/// One read from the plain side: what 64 packets carry.
const PLAIN_BATCH_LEN: usize = 64 * 1024;

/// Batches one connection may move before others on its worker get a turn.
const BATCHES_A_TURN: usize = 8;

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

/// Copies both ways until both directions have ended, or one breaks.
/// `to_plain` is what came out of the handshake; `tally` counts as it goes.
///
/// # Errors
/// Why the connection broke. Both streams should then be reset.
pub async fn relay<C, P>(
    session: &mut Sleeper<'_>,
    to_plain: Vec<u8>,
    crypt: &mut C,
    plain: &mut P,
    tally: &mut Tally,
) -> Result<(), Broken>
where
    C: AsyncRead + AsyncWrite + Unpin,
    P: AsyncRead + AsyncWrite + Unpin,
{
    // However this ends, also if it is not polled to its end.
    let _wiped = WipeOnDrop;
    tally.received(to_plain.len());
    let mut inward = Direction::new(to_plain);
    let mut outward = Direction::new(Vec::new());
    let mut nap = interval_at(Instant::now() + IDLE, IDLE);
    nap.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut moved = false;
    poll_fn(|cx| {
        for _ in 0..BATCHES_A_TURN {
            let mut crypt = End { stream: &mut *crypt, broken: Broken::Crypt };
            let mut plain = End { stream: &mut *plain, broken: Broken::Plain };
            let received = inward.poll_batch(cx, &mut crypt, &mut plain, BATCH_LEN, |bytes| {
                moved = true;
                let output = match bytes {
                    Some(bytes) => session.handle_crypt(bytes),
                    None => session.crypt_eof(),
                };
                tally.received(output.to_plain.len());
                (output.to_plain, output.status)
            })?;
            let sent =
                outward.poll_batch(cx, &mut plain, &mut crypt, PLAIN_BATCH_LEN, |bytes| {
                    moved = true;
                    let output = match bytes {
                        Some(bytes) => session.handle_plain(bytes),
                        None => session.plain_eof(),
                    };
                    tally.sent(bytes.map_or(0, <[u8]>::len));
                    (output.to_crypt, output.status)
                })?;
            // protocol.md E-4: neither direction waits for the other, or has a
            // time limit.
            if inward.is_done() && outward.is_done() {
                return Poll::Ready(Ok(()));
            }
            if received.is_pending() && sent.is_pending() {
                // Asleep, it needs no clock either.
                while session.is_awake() && nap.poll_tick(cx).is_ready() {
                    if !mem::take(&mut moved) {
                        session.sleep().map_err(Broken::Session)?;
                        Buffer::wipe();
                    }
                }
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
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

/// A stream, and what its errors mean.
struct End<'a, S> {
    stream: &'a mut S,
    broken: fn(io::Error) -> Broken,
}

/// One direction's state between polls.
struct Direction {
    /// Made by the session, not yet written.
    pending: Vec<u8>,
    written: usize,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reading,
    /// The last bytes are in `pending`; then the write side is closed.
    Ending,
    Done,
}

impl Direction {
    fn new(pending: Vec<u8>) -> Self {
        Self { pending, written: 0, stage: Stage::Reading }
    }

    fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Writes what is pending, then moves one batch on. `handle` is given what
    /// was read, or that it was the end. `Pending` when a
    /// stream has to become ready first, or all is done.
    fn poll_batch<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut End<'_, R>,
        to: &mut End<'_, W>,
        max: usize,
        handle: impl FnOnce(Option<&[u8]>) -> (Vec<u8>, Status),
    ) -> Poll<Result<(), Broken>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        ready!(self.poll_write(cx, to.stream)).map_err(to.broken)?;
        match self.stage {
            Stage::Reading => {
                let status = ready!(self.poll_read(cx, from.stream, max, handle));
                let status = status.map_err(from.broken)?;
                // At once as a rule; what is left waits for the next turn. What
                // came before a failure goes out as well: protocol.md F-1.
                let write = self.poll_write(cx, to.stream);
                if let Status::Failed(failure) = status {
                    return Poll::Ready(Err(Broken::Session(failure)));
                }
                write.map_err(to.broken)
            }
            Stage::Ending => {
                let result = ready!(Pin::new(&mut *to.stream).poll_shutdown(cx));
                // A stream that is gone already needs no closing.
                if let Err(error) = result
                    && error.kind() != io::ErrorKind::NotConnected
                {
                    return Poll::Ready(Err((to.broken)(error)));
                }
                self.stage = Stage::Done;
                Poll::Ready(Ok(()))
            }
            Stage::Done => Poll::Pending,
        }
    }

    /// Reads and handles one batch, or the end.
    fn poll_read<R: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        max: usize,
        handle: impl FnOnce(Option<&[u8]>) -> (Vec<u8>, Status),
    ) -> Poll<io::Result<Status>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(&mut buffer.bytes[..max]);
            ready!(Pin::new(reader).poll_read(cx, &mut read))?;
            let bytes = read.filled();
            buffer.used = buffer.used.max(bytes.len());
            // Only the end of a stream ends a direction, and only a stream that
            // ends cleanly: protocol.md E-2, E-3.
            let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
            if bytes.is_none() {
                self.stage = Stage::Ending;
            }
            let (pending, status) = handle(bytes);
            self.pending = pending;
            Poll::Ready(Ok(status))
        })
    }

    fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> Poll<io::Result<()>> {
        if self.pending.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.written < self.pending.len() {
            let rest = &self.pending[self.written..];
            match ready!(Pin::new(&mut *writer).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        ready!(Pin::new(&mut *writer).poll_flush(cx))?;
        self.pending = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}
