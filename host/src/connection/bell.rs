//! When the connections of an event loop look whether they may fall asleep.
//!
//! They share one timer, and the kernel keeps it: a deadline that the loop knew of
//! would be set again at every wait, and taken back at every event, which costs each
//! message more than half a microsecond. Nobody's bell, of a loop where all sleep,
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
    /// That of the loop which this thread runs.
    static BELL: RefCell<Option<(Id, Arc<Bell>)>> = const { RefCell::new(None) };
}

/// Rings a while after somebody has asked for it.
#[derive(Debug, Default)]
pub(super) struct Bell {
    asked: Notify,
    rings: Notify,
}

impl Bell {
    /// The one of this event loop, which rings so long after it was asked.
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

    /// Resolves when it rings next: a period from now at most. Two rings are at least
    /// a period apart.
    pub(super) fn next(&self) -> Notified<'_> {
        // Heard from now on, whenever it is polled.
        let next = self.rings.notified();
        self.asked.notify_one();
        next
    }

    /// For as long as there is the loop.
    async fn ring(self: Arc<Self>, timer: Option<Timer>, period: Duration) {
        loop {
            self.asked.notified().await;
            let waited = match &timer {
                Some(timer) => timer.wait(period).await.is_ok(),
                None => false,
            };
            if !waited {
                // Short of descriptors: then a timer of the loop has to do.
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
        // Takes back that it has expired before.
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
