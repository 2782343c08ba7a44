//! Keeps a flood of equal log lines down to a trickle that says how many were
//! left out.

use std::num::NonZeroU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets `burst` lines through at once and then one in every `interval`.
///
/// ```
/// # use std::time::{Duration, Instant};
/// # use spiped::observe::rate::RateLimit;
/// static REFUSALS: RateLimit = RateLimit::new(10, Duration::from_millis(200));
///
/// if let Some(suppressed) = REFUSALS.check(Instant::now()) {
///     log::warn!("refused ({suppressed} like this not shown)");
/// }
/// ```
#[derive(Debug)]
pub struct RateLimit {
    burst: u32,
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the allowance will be whole again; `None` before the first line.
    /// Each line moves it on by one interval, from now at the earliest.
    whole_at: Option<Instant>,
    suppressed: u64,
}

impl RateLimit {
    /// `burst` is at least 1 in effect.
    #[must_use]
    pub const fn new(burst: u32, interval: Duration) -> Self {
        Self { burst, interval, state: Mutex::new(State { whole_at: None, suppressed: 0 }) }
    }

    /// Asks for one line. `Some(n)`: print it, `n` were suppressed since the
    /// last one printed. `None`: it is suppressed and counted.
    pub fn check(&self, now: Instant) -> Option<u64> {
        let mut state = self.lock();
        if self.spend(&mut state, now) {
            Some(std::mem::take(&mut state.suppressed))
        } else {
            state.suppressed = state.suppressed.saturating_add(1);
            None
        }
    }

    /// Asks whether to print a last line about suppressed ones, when the
    /// flood may be over. To be called now and then.
    pub fn take_suppressed(&self, now: Instant) -> Option<NonZeroU64> {
        let mut state = self.lock();
        let suppressed = NonZeroU64::new(state.suppressed)?;
        if !self.spend(&mut state, now) {
            return None;
        }
        state.suppressed = 0;
        Some(suppressed)
    }

    /// Takes one line from the allowance, if there is one.
    fn spend(&self, state: &mut State, now: Instant) -> bool {
        let whole_at = state.whole_at.map_or(now, |whole_at| whole_at.max(now));
        let debt = self.interval.saturating_mul(self.burst.saturating_sub(1));
        if whole_at.duration_since(now) > debt {
            return false;
        }
        // Past the end of time: as good as an allowance that is whole.
        state.whole_at = whole_at.checked_add(self.interval);
        true
    }

    /// The state is whole after every step, so a panic elsewhere is no reason
    /// to stop.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(200);

    #[test]
    fn burst_passes_and_the_rest_is_counted() {
        let (limit, start) = (RateLimit::new(3, INTERVAL), Instant::now());
        for _ in 0..3 {
            assert_eq!(limit.check(start), Some(0));
        }
        for _ in 0..5 {
            assert_eq!(limit.check(start), None);
        }
        assert_eq!(limit.check(start + INTERVAL), Some(5));
        assert_eq!(limit.check(start + INTERVAL), None);
        assert_eq!(limit.check(start + 2 * INTERVAL), Some(1));
    }

    #[test]
    fn quiet_time_fills_the_allowance_but_not_beyond() {
        let (limit, start) = (RateLimit::new(2, INTERVAL), Instant::now());
        assert_eq!(limit.check(start), Some(0));
        assert_eq!(limit.check(start), Some(0));
        let later = start + 100 * INTERVAL;
        assert_eq!(limit.check(later), Some(0));
        assert_eq!(limit.check(later), Some(0));
        assert_eq!(limit.check(later), None);
    }

    #[test]
    fn last_count_is_told_once_and_at_the_same_pace() {
        let (limit, start) = (RateLimit::new(1, INTERVAL), Instant::now());
        assert_eq!(limit.take_suppressed(start), None);
        assert_eq!(limit.check(start), Some(0));
        assert_eq!(limit.check(start), None);
        assert_eq!(limit.take_suppressed(start), None);
        let later = start + INTERVAL;
        assert_eq!(limit.take_suppressed(later), NonZeroU64::new(1));
        assert_eq!(limit.take_suppressed(later + INTERVAL), None);
    }

    #[test]
    fn clock_may_step_back() {
        let limit = RateLimit::new(1, INTERVAL);
        let later = Instant::now() + INTERVAL;
        assert_eq!(limit.check(later), Some(0));
        assert_eq!(limit.check(later.checked_sub(INTERVAL).unwrap_or(later)), None);
    }
}
