//! Waiting for conditions, never for time.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up on it: far longer than it
/// takes on a loaded machine, so that reaching it means a fault.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Polls `probe` until it answers.
///
/// # Panics
/// If there is no answer within [`LIMIT`]; `what` completes the sentence
/// "waited in vain until …".
#[track_caller]
pub fn until_some<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    within(LIMIT, what, probe)
}

/// Like [`until_some`], for what needs another limit.
///
/// # Panics
/// If there is no answer within `limit`.
#[track_caller]
pub fn within<T>(limit: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain until {what}");
        thread::sleep(POLL);
    }
}

/// Polls `condition` until it holds.
///
/// # Panics
/// Like [`until_some`].
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    until_some(what, || condition().then_some(()));
}

/// Lets time pass, for tests about time: "still there after", "at most one a
/// second". Never a substitute for waiting on a condition.
pub fn observe(duration: Duration) {
    thread::sleep(duration);
}

/// Short against anything a test waits for, long against the cost of a probe.
const POLL: Duration = Duration::from_millis(5);
