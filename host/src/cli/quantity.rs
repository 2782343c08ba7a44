//! Numbers as they are meant: what is not given, 0, a wrapped negative
//! number and infinity stand for.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::cli::number::NumberFault;
use crate::cli::{UsageFault, ValueFault};

/// 100 by default. 0, and what only a wrapped negative number reaches, mean no
/// limit.
pub(crate) fn connection_limit(given: Option<u64>) -> Option<NonZeroUsize> {
    given.map_or(Some(CONNECTION_LIMIT), limit)
}

/// Like [`connection_limit`], but none by default.
pub(crate) fn connections_per_key(given: Option<u64>) -> Option<NonZeroUsize> {
    given.and_then(limit)
}

/// A number from 1 to `max`; nothing if none is given.
pub(crate) fn count(
    option: &'static str,
    given: Option<u64>,
    max: u32,
) -> Result<Option<NonZeroUsize>, ValueFault> {
    let Some(given) = given else {
        return Ok(None);
    };
    let count = u32::try_from(given).ok().filter(|count| *count <= max);
    let count = count.and_then(|count| usize::try_from(count).ok()).and_then(NonZeroUsize::new);
    let fault = || ValueFault::Number {
        option: option.to_owned(),
        value: given.to_string(),
        fault: NumberFault::OutOfRange,
    };
    count.ok_or_else(fault).map(Some)
}

fn limit(given: u64) -> Option<NonZeroUsize> {
    let limit = i32::try_from(given).ok()?;
    usize::try_from(limit).ok().and_then(NonZeroUsize::new)
}

/// Every minute by default. `-R` and `-r` exclude each other, except where
/// `-r` only repeats the default.
pub(crate) fn resolve_period(
    given: Option<f64>,
    once: bool,
) -> Result<Option<Duration>, UsageFault> {
    let period = duration("-r", given, RESOLVE_PERIOD)?;
    if !once {
        // Anything shorter would only load the resolver.
        return Ok(Some(period.max(SHORTEST_RESOLVE_PERIOD)));
    }
    if period == RESOLVE_PERIOD { Ok(None) } else { Err(UsageFault::Conflict("-R".to_owned())) }
}

/// 0 means the default. What no clock can hold, infinity included, becomes
/// [`LONGEST`].
pub(crate) fn duration(
    option: &'static str,
    given: Option<f64>,
    default: Duration,
) -> Result<Duration, UsageFault> {
    let seconds = given.unwrap_or(0.0);
    if seconds.is_nan() {
        Err(UsageFault::NotATime(option, seconds.to_string()))
    } else if seconds == 0.0 {
        Ok(default)
    } else {
        Ok(Duration::try_from_secs_f64(seconds).map_or(LONGEST, |time| time.min(LONGEST)))
    }
}

pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Two people have to start it, and to compare what they see.
pub(crate) const PAIRING_TIME_LIMIT: Duration = Duration::from_mins(5);
const RESOLVE_PERIOD: Duration = Duration::from_mins(1);
const SHORTEST_RESOLVE_PERIOD: Duration = Duration::from_millis(100);
/// Ten years: for ever, yet safe to add to any instant.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);
/// More strangers at once than there can be connections help nobody.
pub(crate) const HANDSHAKES_MAX: u32 = 65_536;
/// More than any machine has processors.
pub(crate) const THREADS_MAX: u32 = 1024;
const CONNECTION_LIMIT: NonZeroUsize = NonZeroUsize::new(100).expect("100 is not 0");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_negative_connection_limits_mean_none() {
        assert_eq!(connection_limit(None), NonZeroUsize::new(100));
        assert_eq!(connection_limit(Some(7)), NonZeroUsize::new(7));
        for unlimited in [0, u64::MAX, u64::MAX - 4, 1 << 40] {
            assert_eq!(connection_limit(Some(unlimited)), None, "{unlimited}");
        }
    }

    #[test]
    fn counts_have_both_ends() {
        let count = |given| count("--threads", given, 8);
        assert_eq!(count(None), Ok(None));
        assert_eq!(count(Some(1)), Ok(NonZeroUsize::new(1)));
        assert_eq!(count(Some(8)), Ok(NonZeroUsize::new(8)));
        for given in [0, 9, u64::MAX] {
            assert!(count(Some(given)).is_err(), "{given}");
        }
    }

    #[test]
    fn times_have_defaults_and_an_end() {
        let time_limit = |seconds| duration("-o", seconds, TIME_LIMIT);
        assert_eq!(time_limit(None), Ok(TIME_LIMIT));
        assert_eq!(time_limit(Some(0.0)), Ok(TIME_LIMIT));
        assert_eq!(time_limit(Some(1.5)), Ok(Duration::from_millis(1500)));
        assert_eq!(time_limit(Some(1e300)), Ok(LONGEST));
        assert_eq!(time_limit(Some(f64::INFINITY)), Ok(LONGEST));
        assert!(time_limit(Some(f64::NAN)).is_err());
    }

    #[test]
    fn resolve_period_has_a_lower_end() {
        assert_eq!(resolve_period(None, false), Ok(Some(RESOLVE_PERIOD)));
        assert_eq!(resolve_period(Some(1e-9), false), Ok(Some(SHORTEST_RESOLVE_PERIOD)));
    }

    #[test]
    fn resolving_once_excludes_any_other_period() {
        for fine in [None, Some(0.0), Some(60.0)] {
            assert_eq!(resolve_period(fine, true), Ok(None));
        }
        assert!(resolve_period(Some(61.0), true).is_err());
        assert!(resolve_period(Some(f64::NAN), true).is_err());
    }
}
