//! What is in the memory of a running process, and what should not be there.

mod snapshot;
mod traces;

use std::fmt::Write;
use std::time::{Duration, Instant};

use snapshot::Stopped;
use traces::Kind;

pub use traces::Traces;

use crate::wait;

/// How long a process may take to forget: far longer than it needs to close a
/// connection or to let it fall asleep, and shorter than an idle thread lives,
/// whose stack would vanish with it.
const LIMIT: Duration = Duration::from_secs(8);

/// How long it runs between two looks, so that it gets on.
const RUN: Duration = Duration::from_millis(300);

/// A secret, and where it may be.
pub struct Expected {
    traces: Traces,
    /// As what it has to be there, once each, in guarded memory.
    kept: &'static [Kind],
}

impl Expected {
    /// No trace of it.
    pub fn gone(traces: Traces) -> Self {
        Self { traces, kept: &[] }
    }

    /// One copy of it in memory that is neither swapped nor dumped nor
    /// inherited, and no other trace.
    pub fn kept_once(traces: Traces) -> Self {
        Self { traces, kept: &[Kind::Raw] }
    }

    /// As `kept_once`, and once more as a searchable key: the two hash states
    /// that HMAC begins with.
    pub fn kept_searchable(traces: Traces) -> Self {
        Self { traces, kept: &[Kind::Raw, Kind::State] }
    }
}

/// Stops the process again and again until its memory is as expected.
///
/// # Panics
/// If it still is not after a while, with a list of what is where.
#[track_caller]
pub fn expect(pid: i32, expected: &[Expected]) {
    let start = Instant::now();
    loop {
        let faults = faults(pid, expected);
        if faults.is_empty() {
            return;
        }
        assert!(start.elapsed() < LIMIT, "in the memory of {pid} after {LIMIT:?}:\n{faults}");
        wait::observe(RUN);
    }
}

/// A line for each piece that is where it should not be, or is not where it
/// should be.
fn faults(pid: i32, expected: &[Expected]) -> String {
    let pieces: Vec<_> = expected
        .iter()
        .flat_map(|one| one.traces.pieces.iter().map(move |piece| (one, piece)))
        .collect();
    let bytes: Vec<_> = pieces.iter().map(|(_, piece)| piece.bytes).collect();
    let found = Stopped::stop(pid).find(&bytes);
    let mut faults = String::new();
    for ((one, piece), hits) in pieces.iter().zip(found) {
        let wanted_once = one.kept.contains(&piece.kind);
        let as_wanted = hits.count == usize::from(wanted_once) && hits.are_guarded;
        if !as_wanted {
            let wanted = if wanted_once { "once, guarded" } else { "nowhere" };
            let (what, form) = (&one.traces.what, &piece.form);
            let (count, places) = (hits.count, hits.places.join("; "));
            writeln!(faults, "{what}, {form}: {wanted} expected, {count} found: {places}").unwrap();
        }
    }
    faults
}
