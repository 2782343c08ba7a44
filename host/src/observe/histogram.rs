//! How long something took, as counts of what took no longer than a bound.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The bounds, in seconds.
pub const BOUNDS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How long something took, each time.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound, and one for what took longer than all of them.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

/// A histogram at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many are within each of [`BOUNDS`] and not within the one before it;
    /// the last are beyond all.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// All of them together, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// Once more, and so long.
    pub fn took(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[bucket].fetch_add(1, Relaxed);
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Relaxed);
    }

    /// Adds what another process has measured.
    pub(crate) fn restore(&self, measured: &Distribution) {
        for (bucket, more) in self.buckets.iter().zip(measured.buckets) {
            bucket.fetch_add(more, Relaxed);
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the nearest there is"
        )]
        self.microseconds.fetch_add((measured.sum * 1e6).round() as u64, Relaxed);
    }

    /// As it is now.
    #[must_use]
    pub fn now(&self) -> Distribution {
        #[allow(clippy::cast_precision_loss, reason = "exact for two centuries")]
        let sum = self.microseconds.load(Relaxed) as f64 / 1e6;
        Distribution { buckets: self.buckets.each_ref().map(|bucket| bucket.load(Relaxed)), sum }
    }
}

impl Distribution {
    /// How many there are in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// What has been measured since this `earlier` one of the same histogram.
    #[must_use]
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut buckets = self.buckets;
        for (bucket, before) in buckets.iter_mut().zip(earlier.buckets) {
            *bucket = bucket.saturating_sub(before);
        }
        Self { buckets, sum: (self.sum - earlier.sum).max(0.0) }
    }

    /// These and those.
    pub fn add(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
        self.sum += other.sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_the_bucket_of_the_least_bound_it_is_within() {
        let histogram = Histogram::default();
        for milliseconds in [0, 1, 2, 10_000, 10_001] {
            histogram.took(Duration::from_millis(milliseconds));
        }
        let now = histogram.now();
        assert_eq!(now.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((now.count(), now.sum), (5, 20.004));
        histogram.took(Duration::from_millis(250));
        let later = Histogram::default();
        later.restore(&now);
        later.restore(&histogram.now().since(&now));
        assert_eq!(later.now(), histogram.now());
    }
}
