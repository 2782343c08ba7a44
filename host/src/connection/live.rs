//! A living connection as observers see it, and how they end it.

use std::future::poll_fn;
use std::mem;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use atomic_waker::AtomicWaker;
use rustix::time::{ClockId, clock_gettime};

use crate::connection::moving::Ticket;
use crate::connection::tally::Traffic;
use crate::keys::Key;
use crate::observe::Source;

/// A living connection as observers see it. Only its own task writes to it, so nothing
/// waits for a lock.
#[derive(Debug)]
pub struct Live {
    id: u64,
    peer: Option<Source>,
    key: OnceLock<Key>,
    stage: AtomicU8,
    /// Plaintext bytes, from the plain side to the peer and back.
    sent: AtomicU64,
    received: AtomicU64,
    began: Instant,
    /// When a byte was moved last: see [`coarse_now`].
    moved: AtomicU64,
    /// Why it has to end, as a [`Reset`]; 0: it does not.
    reset: AtomicU8,
    task: AtomicWaker,
    /// Whether its session has no sandbox.
    asleep: AtomicBool,
    /// Whether `moving` is [`Moving::Asked`], for a check at every batch.
    asked: AtomicBool,
    moving: Mutex<Moving>,
}

/// Whether a connection moves to another process.
#[derive(Debug)]
enum Moving {
    /// It cannot.
    No,
    /// It can move, between two batches.
    Possible,
    /// It has been asked to move.
    Asked(Box<Ticket>),
    /// It has moved: it no longer belongs to this process.
    Gone,
}

/// The stage of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its peer has not authenticated yet.
    Stranger,
    /// Its peer has authenticated; it waits for a slot, its target or the end of the
    /// handshake.
    Authenticated,
    /// A client's connection that is connecting to the other end.
    Connecting,
    /// It is relaying.
    Established,
    /// It has broken, and authenticated bytes are still being written.
    Closing,
}

/// Why a connection is ended by order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// By order of the administrator.
    Dropped,
    /// It did not end in the time for draining.
    Drained,
    /// Its key is no longer in use.
    Revoked,
}

impl Live {
    /// A connection that begins now, with its number in the log.
    #[must_use]
    pub fn new(id: u64, peer: Option<Source>) -> Self {
        Self {
            id,
            peer,
            key: OnceLock::new(),
            stage: AtomicU8::default(),
            sent: AtomicU64::default(),
            received: AtomicU64::default(),
            began: Instant::now(),
            moved: AtomicU64::new(coarse_now()),
            reset: AtomicU8::default(),
            task: AtomicWaker::new(),
            asleep: AtomicBool::default(),
            asked: AtomicBool::default(),
            moving: Mutex::new(Moving::No),
        }
    }

    /// A connection from another process with this age, this time since its last byte,
    /// and these byte counts.
    #[must_use]
    pub(super) fn adopted(
        id: u64,
        peer: Option<Source>,
        key: Option<Key>,
        age: Duration,
        idle: Duration,
        Traffic { sent, received }: Traffic,
    ) -> Self {
        let now = Instant::now();
        let idle = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        Self {
            key: key.map_or_else(OnceLock::new, OnceLock::from),
            stage: AtomicU8::new(Stage::Established as u8),
            sent: AtomicU64::new(sent),
            received: AtomicU64::new(received),
            began: now.checked_sub(age).unwrap_or(now),
            moved: AtomicU64::new(coarse_now().saturating_sub(idle)),
            asleep: AtomicBool::new(true),
            ..Self::new(id, peer)
        }
    }

    /// Its number, which is unique in this process.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Who opened it.
    #[must_use]
    pub fn peer(&self) -> Option<&str> {
        self.peer.as_ref().map(|peer| &*peer.shown)
    }

    /// The source: who opened it, and its network.
    pub(super) fn source(&self) -> Option<&Source> {
        self.peer.as_ref()
    }

    /// Its key, once it is known.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.key.get()
    }

    /// Its stage.
    #[must_use]
    pub fn stage(&self) -> Stage {
        STAGES
            .get(usize::from(self.stage.load(Relaxed)))
            .map_or(Stage::Closing, |(stage, _)| *stage)
    }

    /// The bytes it has moved so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic { sent: self.sent.load(Relaxed), received: self.received.load(Relaxed) }
    }

    /// Its age.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// The time since it last moved a byte.
    #[must_use]
    pub fn idle(&self) -> Duration {
        Duration::from_millis(coarse_now().saturating_sub(self.moved.load(Relaxed)))
    }

    /// Whether its session has no sandbox now, because it is idle.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        self.asleep.load(Relaxed)
    }

    /// Orders it to end. The first reason is kept.
    pub fn reset(&self, why: Reset) {
        let _ = self.reset.compare_exchange(0, why as u8 + 1, Release, Relaxed);
        self.task.wake();
    }

    /// Resolves when it has to end. Only one task can wait.
    pub async fn told_to_end(&self) -> Reset {
        let told = || match self.reset.load(Acquire) {
            0 => Poll::Pending,
            1 => Poll::Ready(Reset::Dropped),
            2 => Poll::Ready(Reset::Drained),
            _ => Poll::Ready(Reset::Revoked),
        };
        poll_fn(|context| {
            self.task.register(context.waker());
            told()
        })
        .await
    }

    /// Sets its key.
    pub(super) fn of_key(&self, key: &Key) {
        // It has one key, which is set once.
        let _ = self.key.set(key.clone());
    }

    /// Sets its stage. Returns the stage before.
    pub(super) fn reached(&self, stage: Stage) -> Stage {
        let before = self.stage();
        self.stage.store(stage as u8, Relaxed);
        before
    }

    pub(super) fn sent(&self, bytes: u64) {
        self.moved(&self.sent, bytes);
    }

    pub(super) fn received(&self, bytes: u64) {
        self.moved(&self.received, bytes);
    }

    pub(super) fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Relaxed);
    }

    /// Asks it to move. If it cannot, the ticket is dropped, now or when this turns
    /// out; so is an earlier ticket that it has not used.
    pub(super) fn ask_to_move(&self, ticket: Ticket) {
        {
            let mut moving = self.moving();
            let (Moving::Possible | Moving::Asked(_)) = *moving else { return };
            *moving = Moving::Asked(ticket.into());
            self.asked.store(true, Relaxed);
        }
        self.task.wake();
    }

    /// Whether it is asked to move: [`ticket`](Self::ticket).
    pub(super) fn is_asked_to_move(&self) -> bool {
        // The task is woken after the request, so it sees it.
        self.asked.load(Relaxed)
    }

    /// The ticket, if it is asked to move.
    pub(super) fn ticket(&self) -> Option<Box<Ticket>> {
        let mut moving = self.moving();
        self.asked.store(false, Relaxed);
        match mem::replace(&mut *moving, Moving::Possible) {
            Moving::Asked(ticket) => Some(ticket),
            other @ (Moving::No | Moving::Possible | Moving::Gone) => {
                *moving = other;
                None
            }
        }
    }

    /// Sets whether it can move.
    pub(super) fn set_movable(&self, movable: bool) {
        let mut moving = self.moving();
        if !matches!(*moving, Moving::Gone) {
            *moving = if movable { Moving::Possible } else { Moving::No };
            self.asked.store(false, Relaxed);
        }
    }

    /// It belongs to another process from now on.
    pub(super) fn set_gone(&self) {
        *self.moving() = Moving::Gone;
    }

    /// Whether it belongs to another process.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(*self.moving(), Moving::Gone)
    }

    /// The lock cannot be poisoned: nothing panics while it is held.
    fn moving(&self) -> MutexGuard<'_, Moving> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is only one writer, so reading and writing may be separate steps.
    fn moved(&self, to: &AtomicU64, bytes: u64) {
        to.store(to.load(Relaxed).wrapping_add(bytes), Relaxed);
        self.moved.store(coarse_now(), Relaxed);
    }
}

/// All stages in the order of their declaration, with their names.
const STAGES: [(Stage, &str); 5] = [
    (Stage::Stranger, "stranger"),
    (Stage::Authenticated, "authenticated"),
    (Stage::Connecting, "connecting"),
    (Stage::Established, "established"),
    (Stage::Closing, "closing"),
];

impl Stage {
    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        STAGES[self as usize].1
    }
}

/// Milliseconds on a clock that never goes backwards and may be a few milliseconds
/// late, which makes it cheap enough to read for every batch.
fn coarse_now() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    let milliseconds = now.tv_sec * 1000 + now.tv_nsec / 1_000_000;
    u64::try_from(milliseconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_stage_has_its_word_in_its_place() {
        for (index, (stage, _)) in STAGES.iter().enumerate() {
            assert_eq!(*stage as usize, index);
            let live = Live::new(0, None);
            live.reached(*stage);
            assert_eq!(live.stage(), *stage);
        }
    }

    #[tokio::test]
    async fn first_reason_to_end_stands() {
        let live = Live::new(1, None);
        live.reset(Reset::Drained);
        live.reset(Reset::Dropped);
        assert_eq!(live.told_to_end().await, Reset::Drained);
    }

    #[tokio::test]
    async fn task_that_waits_is_woken() {
        let live = Arc::new(Live::new(1, None));
        let waiting = tokio::spawn({
            let live = live.clone();
            async move { live.told_to_end().await }
        });
        tokio::task::yield_now().await;
        live.reset(Reset::Dropped);
        assert_eq!(waiting.await.ok(), Some(Reset::Dropped));
    }
}
