//! Closing a connection that has broken.
//!
//! No authenticated byte is discarded: bytes that one side sent before it broke are
//! written to the other side, as fast as that reads. The reset follows only when the
//! other side's kernel has acknowledged all of them, because our kernel discards the
//! rest when it resets a connection: protocol.md F-1, F-4.
//!
//! A side that accepts no more bytes may still have sent some: a server that refuses
//! an upload answers and closes, and the rest of the upload meets a reset. So its
//! direction is read to the end: protocol.md E-8.
//!
//! Bytes that have no destination any more are read and dropped. Otherwise, a program
//! that writes everything before it reads would never read our last bytes.
//!
//! The time limit counts only while a reader accepts nothing: a slow reader gets
//! everything.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::connection::buffer::poll_discard;
use crate::connection::direction::{CryptOrPlain, Direction, Stop};
use crate::connection::relay::{BATCHES_A_TURN, Broken, Duplex};
use crate::net::stream::Stream;

/// When to check for the first time whether bytes have been acknowledged, which no
/// event reports; the interval then doubles.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(100);

/// Closes a connection that `stop` has stopped, with a reset of both streams. `limit`
/// is how long a reader may accept no byte. Returns the reason.
pub(super) async fn close<C: Stream, P: Stream>(
    mut duplex: Duplex<'_, '_>,
    stop: Stop,
    crypt: &C,
    plain: &P,
    limit: Duration,
) -> Broken {
    let mut closing = Closing {
        cause: None,
        suspect: CryptOrPlain::Plain,
        plain_is_one: P::ONE_CONNECTION,
        crypt: ClosingSide::new(),
        plain: ClosingSide::new(),
    };
    closing.take(&mut duplex, stop);
    let (mut crypt_gone, mut plain_gone) = (pin!(crypt.gone()), pin!(plain.gone()));
    let mut timer = pin!(sleep(limit));
    poll_fn(|cx| {
        for _ in 0..BATCHES_A_TURN {
            let received = duplex.poll_inward(cx, crypt, plain);
            let mut moved = closing.note(&mut duplex, received);
            let sent = duplex.poll_outward(cx, crypt, plain);
            moved |= closing.note(&mut duplex, sent);
            moved |= closing.crypt.poll_drop(cx, crypt) | closing.plain.poll_drop(cx, plain);
            if !closing.crypt.gone && crypt_gone.as_mut().poll(cx).is_ready() {
                closing.take(&mut duplex, Stop::Gone(CryptOrPlain::Crypt));
            }
            if !closing.plain.gone && plain_gone.as_mut().poll(cx).is_ready() {
                closing.take(&mut duplex, Stop::Gone(CryptOrPlain::Plain));
            }
            if moved {
                continue;
            }
            let waits = [
                closing.crypt.settle(crypt, &mut duplex.outward, limit),
                closing.plain.settle(plain, &mut duplex.inward, limit),
            ];
            if closing.crypt.gone && closing.plain.gone {
                return Poll::Ready(());
            }
            match waits.into_iter().flatten().min() {
                Some(wait) if is_over(cx, timer.as_mut(), wait) => {}
                Some(_) | None => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    let Closing { cause, suspect, .. } = closing;
    cause.unwrap_or_else(|| match suspect {
        CryptOrPlain::Crypt => Broken::Crypt(crypt.error()),
        CryptOrPlain::Plain => Broken::Plain(plain.error()),
    })
}

/// Waits until all bytes written to a stream have been acknowledged, but at most
/// `limit` in total, however slowly they arrive: we have been told to exit.
pub(crate) async fn arrived<S: Stream>(stream: &S, limit: Duration) {
    let mut patience = Patience::new();
    let all = async {
        while let Some(wait) = patience.with_arrival(stream.in_flight(), limit) {
            sleep(wait).await;
        }
    };
    // At the limit, the process exits anyway.
    let _ = timeout(limit, all).await;
}

/// The state of both sides of a connection that is closing.
struct Closing {
    /// The reason, if it is known.
    cause: Option<Broken>,
    /// The side that is taken to have broken, if no reason is known.
    suspect: CryptOrPlain,
    /// Whether the plain side is one connection: [`Stream::ONE_CONNECTION`].
    /// The crypt side is.
    plain_is_one: bool,
    crypt: ClosingSide,
    plain: ClosingSide,
}

impl Closing {
    /// Records the result of polling a direction. Returns whether anything has moved.
    fn note(&mut self, duplex: &mut Duplex<'_, '_>, polled: Poll<Result<(), Stop>>) -> bool {
        self.plain.note_written(&duplex.inward);
        self.crypt.note_written(&duplex.outward);
        match polled {
            Poll::Ready(Err(stop)) => self.take(duplex, stop),
            Poll::Ready(Ok(())) => {}
            Poll::Pending => return false,
        }
        true
    }

    /// Does what `stop` makes necessary.
    fn take(&mut self, duplex: &mut Duplex<'_, '_>, stop: Stop) {
        match stop {
            Stop::Session(failure) => {
                // Without a session, nothing can be passed on any more. Who is
                // at the crypt side now is nobody to listen to.
                self.plain.dropping |= duplex.outward.is_open();
                duplex.inward.stop_reading();
                duplex.outward.stop_reading();
                self.cause = Some(Broken::Session(failure));
            }
            Stop::Read(CryptOrPlain::Plain, error) if !self.plain_is_one => {
                duplex.inward.stop_reading();
                duplex.outward.stop_reading();
                self.blame(CryptOrPlain::Plain, error);
            }
            Stop::Read(at, error) => {
                self.lose(duplex, at);
                duplex.from(at).stop_reading();
                self.blame(at, error);
            }
            Stop::Write(at, error) => {
                self.lose(duplex, at);
                duplex.from(at).note_failed_write(&error);
                self.blame(at, error);
            }
            Stop::Gone(at) => {
                self.lose(duplex, at);
                self.suspect = at;
            }
        }
    }

    /// This side accepts no more bytes.
    fn lose(&mut self, duplex: &mut Duplex<'_, '_>, at: CryptOrPlain) {
        let other = match at {
            CryptOrPlain::Crypt => &mut self.plain,
            CryptOrPlain::Plain => &mut self.crypt,
        };
        other.dropping |= duplex.to(at).is_open();
        duplex.to(at).give_up();
        if at == CryptOrPlain::Plain && !self.plain_is_one {
            duplex.outward.stop_reading();
        }
        let lost = match at {
            CryptOrPlain::Crypt => &mut self.crypt,
            CryptOrPlain::Plain => &mut self.plain,
        };
        lost.gone = true;
        lost.dropping = false;
    }

    /// Keeps the first cause, unless the session turns out to have failed.
    fn blame(&mut self, at: CryptOrPlain, error: io::Error) {
        self.cause.get_or_insert_with(|| at.broken(error));
    }
}

/// One side of a connection that is closing.
struct ClosingSide {
    /// Whether it has been reset, or is gone.
    gone: bool,
    /// Whether bytes that it sends are dropped.
    dropping: bool,
    patience: Patience,
}

impl ClosingSide {
    fn new() -> Self {
        Self { gone: false, dropping: false, patience: Patience::new() }
    }

    fn note_written(&mut self, direction: &Direction) {
        if direction.just_written > 0 {
            self.patience = Patience::new();
        }
    }

    /// Reads and drops what it sends, if it is to be dropped. Returns whether there
    /// were bytes or an end.
    fn poll_drop<S: Stream>(&mut self, cx: &mut Context<'_>, stream: &S) -> bool {
        if !self.dropping {
            return false;
        }
        let Poll::Ready(read) = poll_discard(cx, stream) else {
            return false;
        };
        self.dropping = read.is_ok_and(|len| len > 0);
        true
    }

    /// Resets this side after it has received everything in `direction`, or when it has
    /// accepted nothing for too long. Otherwise returns how long to wait; `None` means
    /// until the next event.
    fn settle<S: Stream>(
        &mut self,
        stream: &S,
        direction: &mut Direction,
        limit: Duration,
    ) -> Option<Duration> {
        if self.gone {
            return None;
        }
        if direction.is_open() && direction.is_written() {
            self.patience = Patience::new();
            return None;
        }
        let wait = if !direction.is_over() {
            self.patience.with_writing(limit)
        } else if let in_flight @ 1.. = stream.in_flight() {
            self.patience.with_arrival(in_flight, limit)
        } else {
            // It has received everything. If its direction ended cleanly, it gets time to
            // end its own: a peer that is not ours may lose bytes that it has not read yet
            // when it receives the reset.
            let since = direction.done_since().filter(|_| self.dropping);
            since.and_then(|since| left(since, limit))
        };
        if wait.is_none() {
            direction.give_up();
            stream.reset();
            self.gone = true;
            self.dropping = false;
        }
        wait
    }
}

/// How long to wait for a reader that accepts bytes.
struct Patience {
    since: Instant,
    /// How many bytes were not acknowledged at the last check.
    in_flight: usize,
    next_look: Duration,
}

impl Patience {
    fn new() -> Self {
        Self { since: Instant::now(), in_flight: 0, next_look: FIRST_LOOK }
    }

    /// How much longer it may accept no byte; `None` after the limit.
    fn with_writing(&self, limit: Duration) -> Option<Duration> {
        left(self.since, limit)
    }

    /// When to check again whether all bytes have been acknowledged; `None` if they have,
    /// or if none has been for too long.
    fn with_arrival(&mut self, in_flight: usize, limit: Duration) -> Option<Duration> {
        if in_flight < self.in_flight {
            *self = Self::new();
        }
        self.in_flight = in_flight;
        let look = self.next_look;
        self.next_look = (look * 2).min(LONGEST_LOOK);
        let left = left(self.since, limit).filter(|_| in_flight > 0);
        left.map(|left| left.min(look))
    }
}

/// The rest of the time limit; `None` after it.
fn left(since: Instant, limit: Duration) -> Option<Duration> {
    limit.checked_sub(since.elapsed()).filter(|left| !left.is_zero())
}

/// Whether this time has passed already. Otherwise the task will be woken then.
fn is_over(cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>, wait: Duration) -> bool {
    timer.as_mut().reset(Instant::now() + wait);
    timer.poll(cx).is_ready()
}

#[cfg(test)]
mod tests;
