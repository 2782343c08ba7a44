//! Numbers as they are meant: what is not given, 0, a wrapped negative
//! number and infinity stand for.

use std::num::NonZeroUsize;
use std::time::Duration;

/// How many at most. 0, and what only a wrapped negative number reaches, mean any
/// number.
pub(crate) fn limit(given: u64) -> Option<NonZeroUsize> {
    let limit = i32::try_from(given).ok()?;
    usize::try_from(limit).ok().and_then(NonZeroUsize::new)
}

/// What no clock can hold, infinity included, becomes [`LONGEST`].
pub(crate) fn seconds(given: f64) -> Duration {
    Duration::try_from_secs_f64(given).map_or(LONGEST, bounded)
}

/// At most [`LONGEST`].
pub(crate) fn bounded(time: Duration) -> Duration {
    time.min(LONGEST)
}

/// How many connections a pipe has at once if nothing is said.
pub(crate) const CONNECTION_LIMIT: NonZeroUsize = NonZeroUsize::new(100).expect("100 is not 0");
/// For connecting, and for the handshake.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Two people have to start it, and to compare what they see.
pub(crate) const PAIRING_TIME_LIMIT: Duration = Duration::from_mins(5);
/// How often names are looked up again.
pub(crate) const RESOLVE_PERIOD: Duration = Duration::from_mins(1);
/// Anything shorter would only load the resolver.
pub(crate) const SHORTEST_RESOLVE_PERIOD: Duration = Duration::from_millis(100);
/// Ten years: for ever, yet safe to add to any instant.
pub(crate) const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);
/// More strangers at once than there can be connections help nobody.
pub(crate) const HANDSHAKES_MAX: u32 = 65_536;
/// More than any machine has processors.
pub(crate) const THREADS_MAX: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_negative_limits_mean_none() {
        assert_eq!(limit(7), NonZeroUsize::new(7));
        for unlimited in [0, u64::MAX, u64::MAX - 4, 1 << 40] {
            assert_eq!(limit(unlimited), None, "{unlimited}");
        }
    }

    #[test]
    fn times_have_an_end() {
        assert_eq!(seconds(1.5), Duration::from_millis(1500));
        assert_eq!(seconds(1e300), LONGEST);
        assert_eq!(seconds(f64::INFINITY), LONGEST);
        assert_eq!(bounded(Duration::MAX), LONGEST);
    }
}
