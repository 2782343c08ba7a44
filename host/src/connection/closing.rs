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

use tokio::time::{Instant, Sleep, sleep};

use crate::connection::relay::{
    BATCHES_A_TURN, Broken, Direction, Duplex, Place, Stop, poll_discard,
};
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
        suspect: Place::Plain,
        plain_is_one: P::ONE_CONNECTION,
        crypt: Side::new(),
        plain: Side::new(),
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
                closing.take(&mut duplex, Stop::Gone(Place::Crypt));
            }
            if !closing.plain.gone && plain_gone.as_mut().poll(cx).is_ready() {
                closing.take(&mut duplex, Stop::Gone(Place::Plain));
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
        Place::Crypt => Broken::Crypt(crypt.error()),
        Place::Plain => Broken::Plain(plain.error()),
    })
}

/// Waits until all that was written to a stream has arrived, but not for a
/// reader that stands still for longer than `limit`.
pub async fn arrived<S: Stream>(stream: &S, limit: Duration) {
    let mut patience = Patience::new();
    while let Some(wait) = patience.with_arrival(stream.in_flight(), limit) {
        sleep(wait).await;
    }
}

/// What has become of a connection's two sides.
struct Closing {
    /// Why it broke, as far as it is known.
    cause: Option<Broken>,
    /// The side that broke otherwise.
    suspect: Place,
    /// Whether the plain side is one connection: [`Stream::ONE_CONNECTION`].
    /// The crypt side is.
    plain_is_one: bool,
    crypt: Side,
    plain: Side,
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
            Stop::Read(Place::Plain, error) if !self.plain_is_one => {
                duplex.inward.stop_reading();
                duplex.outward.stop_reading();
                self.blame(Place::Plain, error);
            }
            Stop::Read(place, error) => {
                self.lose(duplex, place);
                duplex.from(place).stop_reading();
                self.blame(place, error);
            }
            Stop::Write(place, error) => {
                self.lose(duplex, place);
                duplex.from(place).note_failed_write(&error);
                self.blame(place, error);
            }
            Stop::Gone(place) => {
                self.lose(duplex, place);
                self.suspect = place;
            }
        }
    }

    /// Nobody takes bytes at this side any more.
    fn lose(&mut self, duplex: &mut Duplex<'_, '_>, place: Place) {
        let other = match place {
            Place::Crypt => &mut self.plain,
            Place::Plain => &mut self.crypt,
        };
        other.dropping |= duplex.to(place).is_open();
        duplex.to(place).give_up();
        if place == Place::Plain && !self.plain_is_one {
            duplex.outward.stop_reading();
        }
        let lost = match place {
            Place::Crypt => &mut self.crypt,
            Place::Plain => &mut self.plain,
        };
        lost.gone = true;
        lost.dropping = false;
    }

    /// The first cause is the one, unless it turns out that the session failed.
    fn blame(&mut self, place: Place, error: io::Error) {
        self.cause.get_or_insert_with(|| place.broken(error));
    }
}

/// One side on its way to its end.
struct Side {
    /// There is nothing more to do about it.
    gone: bool,
    /// What it sends goes nowhere.
    dropping: bool,
    patience: Patience,
}

impl Side {
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
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use std::future::pending;
    use std::sync::Arc;

    use tokio::io::ReadBuf;

    use super::*;
    use crate::connection::tally::Tally;
    use crate::guest::{Engine, established};

    const LIMIT: Duration = Duration::from_secs(5);
    const PATIENCE: Duration = Duration::from_secs(4);

    /// protocol.md F-4
    #[tokio::test(start_paused = true)]
    async fn slow_reader_gets_everything_and_then_a_reset() {
        let plain = Scripted::taking(1, PATIENCE);
        *plain.arrives_after.borrow_mut() = vec![PATIENCE; 3].into();
        let start = Instant::now();
        let broken = end(Stop::Read(Place::Crypt, reset()), &Scripted::default(), &plain).await;
        assert!(matches!(broken, Broken::Crypt(_)));
        assert_eq!(*plain.written.borrow(), VERIFIED);
        assert_eq!(plain.was_reset.get(), Some(VERIFIED.len()));
        assert!(start.elapsed() > 10 * LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn reader_that_stands_still_is_given_up_after_the_limit() {
        let plain = Scripted::taking(1, Duration::MAX);
        let start = Instant::now();
        end(Stop::Read(Place::Crypt, reset()), &Scripted::default(), &plain).await;
        assert_eq!(plain.was_reset.get(), Some(0));
        assert!((LIMIT..LIMIT * 2).contains(&start.elapsed()));
    }

    /// protocol.md E-8
    #[tokio::test(start_paused = true)]
    async fn answer_of_a_side_that_takes_no_more_is_read_to_its_end() {
        let plain = Scripted::saying(&[b"refused", b""]);
        // The rest of what is refused, and the end.
        let crypt = Scripted::saying(&[b"more", b"and more", b""]);
        let start = Instant::now();
        let broken = end(Stop::Write(Place::Plain, broken_pipe()), &crypt, &plain).await;
        assert!(matches!(broken, Broken::Plain(_)));
        assert_eq!(crypt.written.borrow().len(), 2 * 1060, "a packet and the end mark");
        assert!(crypt.was_ended.get() && crypt.input.borrow().is_empty());
        assert!(start.elapsed() < LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_on_sending_what_is_refused_is_reset_after_the_limit() {
        let (crypt, plain) = (Scripted::default(), Scripted::saying(&[b"refused", b""]));
        let start = Instant::now();
        end(Stop::Write(Place::Plain, broken_pipe()), &crypt, &plain).await;
        assert!(crypt.was_ended.get() && crypt.was_reset.get().is_some());
        assert!((LIMIT..LIMIT * 2).contains(&start.elapsed()));
    }

    /// The write that failed has used up the error.
    #[tokio::test(start_paused = true)]
    async fn end_that_is_read_after_a_reset_is_no_end() {
        let (crypt, plain) = (Scripted::default(), Scripted::saying(&[b"half", b""]));
        end(Stop::Write(Place::Plain, reset()), &crypt, &plain).await;
        assert_eq!(crypt.written.borrow().len(), 1060, "a packet and no end mark");
        assert!(!crypt.was_ended.get() && crypt.was_reset.get().is_some());
    }

    const VERIFIED: &[u8] = b"verified bytes";

    /// Closes a connection that has yet to pass verified bytes on.
    async fn end(stop: Stop, crypt: &Scripted, plain: &Scripted) -> Broken {
        let engine = Engine::new(3).unwrap();
        let mut session = established(&engine);
        let mut tally = Tally::new(Arc::default());
        let duplex = Duplex::new(&mut session, &mut tally, VERIFIED.into());
        close(duplex, stop, crypt, plain, LIMIT).await
    }

    fn reset() -> io::Error {
        io::ErrorKind::ConnectionReset.into()
    }

    fn broken_pipe() -> io::Error {
        io::ErrorKind::BrokenPipe.into()
    }

    /// A stream whose other end behaves as it is told.
    struct Scripted {
        /// What it says, an end last, or nothing more.
        input: RefCell<VecDeque<&'static [u8]>>,
        /// It takes this many bytes, as often as this.
        takes: (usize, Duration),
        next_take: RefCell<Pin<Box<Sleep>>>,
        written: RefCell<Vec<u8>>,
        was_ended: Cell<bool>,
        /// One after the other, as long as this after the last byte.
        arrives_after: RefCell<VecDeque<Duration>>,
        last: Cell<Instant>,
        /// After so many bytes.
        was_reset: Cell<Option<usize>>,
    }

    impl Default for Scripted {
        fn default() -> Self {
            Self::taking(usize::MAX, Duration::ZERO)
        }
    }

    impl Scripted {
        fn taking(bytes: usize, pause: Duration) -> Self {
            Self {
                input: RefCell::default(),
                takes: (bytes, pause),
                next_take: Box::pin(sleep(pause)).into(),
                written: RefCell::default(),
                was_ended: Cell::default(),
                arrives_after: RefCell::default(),
                last: Instant::now().into(),
                was_reset: Cell::default(),
            }
        }

        fn saying(input: &[&'static [u8]]) -> Self {
            Self { input: RefCell::new(input.iter().copied().collect()), ..Self::default() }
        }
    }

    impl Stream for Scripted {
        fn poll_read(&self, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let Some(bytes) = self.input.borrow_mut().pop_front() else {
                return Poll::Pending;
            };
            buffer.put_slice(bytes);
            Poll::Ready(Ok(()))
        }

        fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let (most, pause) = self.takes;
            let mut next_take = self.next_take.borrow_mut();
            std::task::ready!(next_take.as_mut().poll(cx));
            next_take.set(sleep(pause));
            let len = bytes.len().min(most);
            self.written.borrow_mut().extend(&bytes[..len]);
            self.last.set(Instant::now());
            Poll::Ready(Ok(len))
        }

        fn end(&self) -> io::Result<()> {
            self.was_ended.set(true);
            Ok(())
        }

        fn gone(&self) -> impl Future<Output = ()> + Send {
            pending()
        }

        fn error(&self) -> io::Error {
            broken_pipe()
        }

        fn in_flight(&self) -> usize {
            let mut arrives_after = self.arrives_after.borrow_mut();
            if arrives_after.front().is_some_and(|pause| self.last.get().elapsed() >= *pause) {
                arrives_after.pop_front();
                self.last.set(Instant::now());
            }
            arrives_after.len()
        }

        fn reset(&self) {
            self.was_reset.set(Some(self.written.borrow().len()));
        }
    }
}
