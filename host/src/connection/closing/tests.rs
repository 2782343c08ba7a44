//! Readers that are slow or stand still, in a time that passes by itself.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use tokio::io::ReadBuf;

use super::*;
use crate::connection::live::Live;
use crate::connection::tally::Tally;
use crate::guest::{Engine, Side, established};

const LIMIT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(4);

/// protocol.md F-4
#[tokio::test(start_paused = true)]
async fn slow_reader_gets_everything_and_then_a_reset() {
    let plain = Scripted::taking(1, PATIENCE);
    *plain.arrives_after.borrow_mut() = vec![PATIENCE; 3].into();
    let start = Instant::now();
    let broken = end(Stop::Read(CryptOrPlain::Crypt, reset()), &Scripted::default(), &plain).await;
    assert!(matches!(broken, Broken::Crypt(_)));
    assert_eq!(*plain.written.borrow(), VERIFIED);
    assert_eq!(plain.was_reset.get(), Some(VERIFIED.len()));
    assert!(start.elapsed() > 10 * LIMIT);
}

#[tokio::test(start_paused = true)]
async fn reader_that_stands_still_is_given_up_after_the_limit() {
    let plain = Scripted::taking(1, Duration::MAX);
    let start = Instant::now();
    end(Stop::Read(CryptOrPlain::Crypt, reset()), &Scripted::default(), &plain).await;
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
    let broken = end(Stop::Write(CryptOrPlain::Plain, broken_pipe()), &crypt, &plain).await;
    assert!(matches!(broken, Broken::Plain(_)));
    assert_eq!(crypt.written.borrow().len(), 2 * 1060, "a packet and the end mark");
    assert!(crypt.was_ended.get() && crypt.input.borrow().is_empty());
    assert!(start.elapsed() < LIMIT);
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_sending_what_is_refused_is_reset_after_the_limit() {
    let (crypt, plain) = (Scripted::default(), Scripted::saying(&[b"refused", b""]));
    let start = Instant::now();
    end(Stop::Write(CryptOrPlain::Plain, broken_pipe()), &crypt, &plain).await;
    assert!(crypt.was_ended.get() && crypt.was_reset.get().is_some());
    assert!((LIMIT..LIMIT * 2).contains(&start.elapsed()));
}

/// The write that failed has used up the error.
#[tokio::test(start_paused = true)]
async fn end_that_is_read_after_a_reset_is_no_end() {
    let (crypt, plain) = (Scripted::default(), Scripted::saying(&[b"half", b""]));
    end(Stop::Write(CryptOrPlain::Plain, reset()), &crypt, &plain).await;
    assert_eq!(crypt.written.borrow().len(), 1060, "a packet and no end mark");
    assert!(!crypt.was_ended.get() && crypt.was_reset.get().is_some());
}

const VERIFIED: &[u8] = b"verified bytes";

/// Closes a connection that has yet to pass verified bytes on.
async fn end(stop: Stop, crypt: &Scripted, plain: &Scripted) -> Broken {
    let engine = Engine::new(3).unwrap();
    let mut session = established(&engine);
    let mut tally = Tally::new(Arc::default(), Arc::new(Live::new(0, None)), Side::Server);
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
