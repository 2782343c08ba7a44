//! The end of a connection that broke.
//!
//! Nothing that was verified is thrown away: what one side had sent before it
//! broke is written to the other, as fast as that takes it, and only when its
//! system has it all is it told, by a reset: protocol.md F-1, F-4. That a side
//! can be sent no more does not mean that it has said all: a server that refuses
//! an upload answers, closes, and the rest of the upload meets a reset. So what
//! it has said is read to its end: protocol.md E-8.
//!
//! Meanwhile, bytes that can go nowhere are read and dropped: whoever writes
//! all it has before it reads would otherwise not get to reading.
//!
//! Time counts only while a reader stands still: a slow one gets everything.

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

/// How soon to look whether bytes have arrived, which the kernel does not
/// tell by itself; then twice as long each time.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(100);

/// Brings a connection that `stop` has stopped to its end, and both streams to
/// theirs. `limit` is how long a reader may stand still. Returns the reason.
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

/// Waits until all that was written to a stream has arrived, but no longer than
/// `limit`: whoever wants us to end has said so.
pub(crate) async fn arrived<S: Stream>(stream: &S, limit: Duration) {
    let mut patience = Patience::new();
    let all = async {
        while let Some(wait) = patience.with_arrival(stream.in_flight(), limit) {
            sleep(wait).await;
        }
    };
    // Too late is as good.
    let _ = timeout(limit, all).await;
}

/// What has become of a connection's two sides.
struct Closing {
    /// Why it broke, as far as it is known.
    cause: Option<Broken>,
    /// The side that broke otherwise.
    suspect: CryptOrPlain,
    /// Whether the plain side is one connection: [`Stream::ONE_CONNECTION`].
    /// The crypt side is.
    plain_is_one: bool,
    crypt: ClosingSide,
    plain: ClosingSide,
}

impl Closing {
    /// Notes what a poll of one of the directions has come to. Says whether
    /// anything has moved.
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

    /// Nobody takes bytes at this side any more.
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

    /// The first cause is the one, unless it turns out that the session failed.
    fn blame(&mut self, at: CryptOrPlain, error: io::Error) {
        self.cause.get_or_insert_with(|| at.broken(error));
    }
}

/// One side on its way to its end.
struct ClosingSide {
    /// There is nothing more to do about it.
    gone: bool,
    /// What it sends goes nowhere.
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

    /// Reads and drops what it sends, if that is to be dropped. Says whether
    /// there was something, or an end.
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

    /// Resets it when it has got all there is for it in `direction`, or stands
    /// still. Otherwise says how long there is nothing to do, if not for ever.
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
            // It has got everything. If that came to a proper end, it has time
            // to end likewise: a peer that is not ours might lose what it has
            // not read yet when it learns of the reset.
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

/// With a reader, as long as it does not stand still.
struct Patience {
    since: Instant,
    /// What had not arrived when this was last looked at.
    in_flight: usize,
    next_look: Duration,
}

impl Patience {
    fn new() -> Self {
        Self { since: Instant::now(), in_flight: 0, next_look: FIRST_LOOK }
    }

    /// How long it may still not take a byte; nothing if that is over.
    fn with_writing(&self, limit: Duration) -> Option<Duration> {
        left(self.since, limit)
    }

    /// How soon to look again whether all has arrived; nothing if it has, or if
    /// no more of it did for too long.
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

/// What is left of the time limit.
fn left(since: Instant, limit: Duration) -> Option<Duration> {
    limit.checked_sub(since.elapsed()).filter(|left| !left.is_zero())
}

/// Whether it is over already. Otherwise, the task will be woken then.
fn is_over(cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>, wait: Duration) -> bool {
    timer.as_mut().reset(Instant::now() + wait);
    timer.poll(cx).is_ready()
}

#[cfg(test)]
mod tests;
