//! What waits for the thread that writes the log. Nobody who adds to it waits:
//! what there is no room for is counted.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::observe::budget::Budgets;
use crate::observe::event::Event;

/// An event on its way to the log.
#[derive(Debug)]
pub(super) struct Entry {
    /// When it happened.
    pub(super) when: SystemTime,
    /// What happened.
    pub(super) event: Event,
    /// How many like it were left out before it.
    pub(super) suppressed: u64,
}

/// Entries that wait, and the budgets that decide about them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is work.
    filled: Condvar,
    /// There is none left.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    /// Of all entries, those included that are being written.
    len: usize,
    /// Of those that are being written.
    taken_len: usize,
    lost: u64,
    budgets: Budgets,
}

/// What there is to write, in this order.
#[derive(Debug)]
pub(super) struct Batch {
    /// These entries.
    pub(super) entries: VecDeque<Entry>,
    /// That so many more were lost.
    pub(super) lost: u64,
}

impl Queue {
    /// Whether the line of this event is within its budget, and how many like
    /// it were not.
    pub(super) fn admit(&self, event: &Event) -> Option<u64> {
        let mut state = self.lock();
        let owed = state.budgets.owe_reports();
        let admitted = state.budgets.admit(event, Instant::now());
        drop(state);
        if admitted.is_none() && !owed {
            // Looks after the report from now on.
            self.filled.notify_one();
        }
        admitted
    }

    /// Adds an entry, or counts it as lost. Says whether there was room.
    pub(super) fn push(&self, entry: Entry) -> bool {
        let mut state = self.lock();
        let len = entry.len();
        // One that is larger than all room there is gets through alone.
        let has_room = state.len == 0 || state.len + len <= LEN_MAX;
        if has_room {
            state.len += len;
            state.entries.push_back(entry);
        } else {
            state.lost += 1;
        }
        drop(state);
        self.filled.notify_one();
        has_room
    }

    /// Counts lines that could not be written.
    pub(super) fn lose(&self, lines: u64) {
        self.lock().lost += lines;
    }

    /// How many lines were lost since this was last asked.
    pub(super) fn take_lost(&self) -> u64 {
        mem::take(&mut self.lock().lost)
    }

    /// Waits for something to write; what was taken before has been written.
    /// Wakes up now and then only while there is a report to come.
    pub(super) fn take(&self) -> Batch {
        let mut state = self.lock();
        state.len -= mem::take(&mut state.taken_len);
        loop {
            let reports = state.budgets.reports(Instant::now());
            let now = SystemTime::now();
            for event in reports {
                let entry = Entry { when: now, event, suppressed: 0 };
                state.len += entry.len();
                state.entries.push_back(entry);
            }
            if !state.entries.is_empty() || state.lost > 0 {
                state.taken_len = state.len;
                let (entries, lost) = (mem::take(&mut state.entries), mem::take(&mut state.lost));
                return Batch { entries, lost };
            }
            self.emptied.notify_all();
            let owed = state.budgets.owe_reports();
            let woken = self.filled.wait_timeout(state, if owed { REPORT_PERIOD } else { LONG });
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until all is written, but not longer than `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let written = |state: &mut State| state.len > 0 || state.lost > 0;
        let waited = self.emptied.wait_timeout_while(self.lock(), patience, written);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// The state is whole after every step, so a panic elsewhere is no reason
    /// to stop.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// About how much memory it takes.
    fn len(&self) -> usize {
        size_of::<Self>() + self.event.words.len()
    }
}

/// Some thousand lines, in bytes.
const LEN_MAX: usize = 1024 * 1024;

/// How often to look whether a flood is over.
const REPORT_PERIOD: Duration = Duration::from_secs(1);
/// As good as for ever.
const LONG: Duration = Duration::from_hours(24 * 365);

#[cfg(test)]
mod tests {
    use std::thread;

    use log::Level;

    use super::*;
    use crate::observe::event::{Class, What};

    #[test]
    fn what_finds_no_room_is_counted() {
        let queue = Queue::default();
        for _ in 0..3 {
            queue.push(entry(LEN_MAX / 2));
        }
        let Batch { entries, lost } = queue.take();
        assert_eq!((entries.len(), lost), (1, 2));
    }

    #[test]
    fn what_is_being_written_takes_room_as_well() {
        let queue = Queue::default();
        queue.push(entry(LEN_MAX));
        assert_eq!(queue.take().entries.len(), 1);
        queue.push(entry(0));
        let Batch { entries, lost } = queue.take();
        assert_eq!((entries.len(), lost), (0, 1));
        queue.push(entry(0));
        assert_eq!(queue.take().entries.len(), 1);
    }

    #[test]
    fn flush_waits_for_the_writer_and_not_for_ever() {
        let queue = Queue::default();
        queue.flush(LONG);
        queue.push(entry(1));
        queue.flush(Duration::ZERO);
        thread::scope(|scope| {
            scope.spawn(|| {
                queue.take();
                queue.push(entry(1));
                queue.take();
                queue.push(entry(1));
                queue.take();
                // The last is still being written.
            });
        });
        queue.flush(Duration::ZERO);
        assert!(queue.lock().len > 0);
    }

    #[test]
    fn report_comes_by_itself() {
        let queue = Queue::default();
        let event = entry(1).event;
        while queue.admit(&event).is_some() {}
        let batch = queue.take();
        assert_eq!(batch.entries[0].event.what, What::Suppressed(1));
    }

    fn entry(len: usize) -> Entry {
        let event = Event::new(Level::Warn, Class::Target, What::Note, "x".repeat(len));
        Entry { when: SystemTime::now(), event, suppressed: 0 }
    }
}
