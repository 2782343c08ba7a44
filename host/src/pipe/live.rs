//! The living connections of a pipe. Each is entered at its start and removed at its
//! end, however it ends.

use std::collections::BTreeMap;
use std::iter;
use std::ops::{Bound, Deref};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::connection::live::{Live, Reset};

/// The connections of a pipe.
#[derive(Debug, Default)]
pub(crate) struct LiveConnections(Mutex<BTreeMap<u64, Arc<Live>>>);

/// The entry of a connection, which is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Entered {
    all: Arc<LiveConnections>,
    live: Arc<Live>,
}

impl LiveConnections {
    /// Enters a connection.
    #[must_use]
    pub(crate) fn enter(self: &Arc<Self>, live: Live) -> Entered {
        let live = Arc::new(live);
        self.lock().insert(live.id(), live.clone());
        Entered { all: self.clone(), live }
    }

    /// The connection with this number.
    #[must_use]
    pub(crate) fn get(&self, id: u64) -> Option<Arc<Live>> {
        self.lock().get(&id).cloned()
    }

    /// All connections that exist during the whole call, by number. The list is copied
    /// in slices: a connection that begins or ends waits for one of them at most.
    pub(crate) fn slices(&self) -> impl Iterator<Item = Vec<Arc<Live>>> {
        let mut after = Bound::Unbounded;
        iter::from_fn(move || {
            let lock = self.lock();
            let range = lock.range((after, Bound::Unbounded));
            let slice: Vec<_> = range.take(SLICE).map(|(_, live)| live.clone()).collect();
            drop(lock);
            after = Bound::Excluded(slice.last()?.id());
            Some(slice)
        })
    }

    /// Ends all of them for this reason.
    pub(crate) fn reset_all(&self, why: Reset) {
        self.slices().flatten().for_each(|live| live.reset(why));
    }

    /// The lock cannot be poisoned: nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Live>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Entered {
    type Target = Arc<Live>;

    fn deref(&self) -> &Arc<Live> {
        &self.live
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.all.lock().remove(&self.live.id());
    }
}

/// This many connections take a few microseconds.
const SLICE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_seen_once_in_slices_and_gone_when_dropped() {
        let all = Arc::new(LiveConnections::default());
        let count = SLICE as u64 * 2 + 1;
        let entered: Vec<_> = (0..count).map(|id| all.enter(Live::new(id, None))).collect();
        let slices: Vec<_> = all.slices().collect();
        assert_eq!(slices.len(), 3);
        assert!(slices.iter().flatten().map(|live| live.id()).eq(0..count));
        assert!(all.get(count - 1).is_some());
        drop(entered);
        assert!(all.get(0).is_none() && all.slices().next().is_none());
    }

    #[test]
    fn one_that_ends_between_two_slices_stops_nothing() {
        let all = Arc::new(LiveConnections::default());
        let mut entered: Vec<_> =
            (0..SLICE as u64 + 2).map(|id| all.enter(Live::new(id, None))).collect();
        let mut slices = all.slices();
        assert_eq!(slices.next().map(|slice| slice.len()), Some(SLICE));
        entered.drain(SLICE - 1..=SLICE);
        let rest: Vec<_> = slices.flatten().map(|live| live.id()).collect();
        assert_eq!(rest, [SLICE as u64 + 1]);
    }
}
