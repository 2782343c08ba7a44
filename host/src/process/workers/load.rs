//! The load of an event loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long an event loop is measured before it counts as busy or idle.
const PERIOD: Duration = Duration::from_millis(100);

/// The weight of the last period against all earlier ones: an event loop that was busy
/// is avoided for several periods.
const LATEST: f64 = 0.5;

/// The load expected of a task that came since the last period: enough to distribute a
/// burst evenly.
const EXPECTED: f64 = 1.0 / 8.0;

/// The share of its time that an event loop works, as a decaying mean.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// From 0 to 1.
    share: f64,
    /// The number of tasks too new to be part of it.
    expected: f64,
    /// When the time it had worked was last measured, and the result.
    seen: Option<(Instant, Duration)>,
}

impl Load {
    /// In eighths, so that similar loads compare equal. `busy` is how long the event
    /// loop has worked in total.
    pub(super) fn eighths(&mut self, now: Instant, busy: impl FnOnce() -> Duration) -> u32 {
        match self.seen {
            None => self.seen = Some((now, busy())),
            Some((then, before)) => {
                let elapsed = now.saturating_duration_since(then);
                if elapsed >= PERIOD {
                    let busy = busy();
                    let worked = busy.saturating_sub(before).div_duration_f64(elapsed);
                    // After a long time without a new task, only the last period
                    // matters.
                    let periods = elapsed.div_duration_f64(PERIOD);
                    let latest = 1.0 - (1.0 - LATEST).powf(periods);
                    self.share += (worked.min(1.0) - self.share) * latest;
                    self.expected = 0.0;
                    self.seen = Some((now, busy));
                }
            }
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and a number of tasks at most"
        )]
        let eighths = ((self.share + self.expected) * 8.0).round() as u32;
        eighths
    }

    /// Counts a task that was handed to it.
    pub(super) fn expect_more(&mut self) {
        self.expected += EXPECTED;
    }
}

/// The number of tasks handed to an event loop that have not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks(Arc<AtomicUsize>);

impl Tasks {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts a task.
    pub(super) fn begin(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.0.clone())
    }
}

/// Counts a task while it lives, however it ends.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_follows_the_time_worked_and_decays() {
        let start = Instant::now();
        let mut load = Load::default();
        let mut worked = Duration::ZERO;
        let mut at = |period: u32, more: Duration| {
            worked += more;
            load.eighths(start + PERIOD * period, || worked)
        };
        assert_eq!(at(0, Duration::ZERO), 0);
        assert_eq!(at(1, PERIOD), 4);
        assert_eq!(at(2, PERIOD), 6);
        assert_eq!(at(12, PERIOD * 10), 8);
        assert_eq!(at(13, Duration::ZERO), 4);
        assert_eq!(at(33, Duration::ZERO), 0);
    }

    #[test]
    fn burst_counts_until_it_can_be_seen() {
        let start = Instant::now();
        let mut load = Load::default();
        assert_eq!(load.eighths(start, Duration::default), 0);
        load.expect_more();
        load.expect_more();
        assert_eq!(load.eighths(start, Duration::default), 2);
        assert_eq!(load.eighths(start + PERIOD, Duration::default), 0);
    }
}
