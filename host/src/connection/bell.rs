//! The bell tells the connections of an event loop when to check whether they may
//! sleep.
//!
//! They share one timer of the kernel. A deadline of the event loop would not do: the
//! loop would set it at every wait and clear it at every event, which costs each
//! message more than half a microsecond. If all connections of a loop sleep, its bell
//! does not ring.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Handle, Id};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::sleep;

use crate::net::readable::readable;

thread_local! {
    /// The bell of the event loop that this thread runs.
    static BELL: RefCell<Option<(Id, Arc<Bell>)>> = const { RefCell::new(None) };
}

/// Rings one period after a connection has asked for it.
#[derive(Debug, Default)]
pub(super) struct Bell {
    asked: Notify,
    rings: Notify,
}

impl Bell {
    /// The bell of this event loop.
    pub(super) fn of_this_loop(period: Duration) -> Arc<Self> {
        let this_loop = Handle::current().id();
        BELL.with_borrow_mut(|known| match known {
            Some((id, bell)) if *id == this_loop => bell.clone(),
            _ => {
                let bell = Arc::<Self>::default();
                tokio::spawn(bell.clone().ring(Timer::new().ok(), period));
                *known = Some((this_loop, bell.clone()));
                bell
            }
        })
    }

    /// Resolves at the next ring, at most one period from now. Two rings are at least one
    /// period apart.
    pub(super) fn next(&self) -> Notified<'_> {
        // Created before the request, so that a ring before the first poll counts.
        let next = self.rings.notified();
        self.asked.notify_one();
        next
    }

    /// Runs as long as the event loop.
    async fn ring(self: Arc<Self>, timer: Option<Timer>, period: Duration) {
        loop {
            self.asked.notified().await;
            let waited = match &timer {
                Some(timer) => timer.wait(period).await.is_ok(),
                None => false,
            };
            if !waited {
                // There was no descriptor for a timer: use one of the event loop.
                sleep(period).await;
            }
            self.rings.notify_waiters();
        }
    }
}

/// A timer of the kernel's.
struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self(readable(timerfd_create(TimerfdClockId::Monotonic, flags)?)?))
    }

    async fn wait(&self, time: Duration) -> io::Result<()> {
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let it_value = time.try_into().map_err(io::Error::other)?;
        let once = Itimerspec { it_interval: never, it_value };
        // Setting it also clears an earlier expiration.
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::time::Instant;

    use tokio::time::timeout;

    use super::*;

    const PERIOD: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn everybody_hears_the_same_ring_and_the_next_is_a_period_later() {
        let bell = Bell::of_this_loop(PERIOD);
        let same = Bell::of_this_loop(PERIOD);
        let start = Instant::now();
        for rings in 1..4 {
            let (one, other) = (bell.next(), same.next());
            timeout(LONG, one).await.unwrap();
            timeout(LONG, other).await.unwrap();
            assert!(start.elapsed() >= PERIOD * rings);
        }
    }

    #[tokio::test]
    async fn nobodys_bell_does_not_ring() {
        let bell = Bell::of_this_loop(PERIOD);
        let (first, asked_once) = (bell.next(), bell.rings.notified());
        timeout(LONG, first).await.unwrap();
        timeout(LONG, asked_once).await.unwrap();
        assert!(timeout(PERIOD * 3, bell.rings.notified()).await.is_err());
        timeout(LONG, bell.next()).await.unwrap();
    }

    #[test]
    fn another_loop_of_the_same_thread_has_another_bell() {
        for _ in 0..2 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                timeout(LONG, Bell::of_this_loop(PERIOD).next()).await.unwrap();
            });
        }
    }
}
