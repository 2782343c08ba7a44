//! The limit on the number of connections: `-n`.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::outcome::Outcome;

/// The slots for the connections of a pipe. Clones share them.
#[derive(Clone)]
pub struct Slots(Arc<Shared>);

struct Shared {
    free: Arc<Semaphore>,
    account: Mutex<Account>,
}

struct Account {
    limit: NonZeroUsize,
    /// How many more slots are taken than the limit allows, because it was lowered or
    /// ignored. As many are not free again when they are returned.
    debt: usize,
}

/// A slot, held until it is dropped.
pub struct Slot {
    /// `None` if it is beyond the limit.
    permit: Option<OwnedSemaphorePermit>,
    slots: Slots,
    /// Whether it stays taken when it is dropped.
    stays_taken: bool,
}

impl Slots {
    /// This many slots.
    #[must_use]
    pub fn new(limit: NonZeroUsize) -> Self {
        let free = Arc::new(Semaphore::new(permits(limit)));
        Self(Arc::new(Shared { free, account: Mutex::new(Account { limit, debt: 0 }) }))
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> NonZeroUsize {
        self.account().limit
    }

    /// Changes the limit. Slots that are taken already count.
    pub fn set_limit(&self, limit: NonZeroUsize) {
        let mut account = self.account();
        let (before, now) = (permits(account.limit), permits(limit));
        account.limit = limit;
        if now >= before {
            let more = now - before;
            let paid = account.debt.min(more);
            account.debt -= paid;
            self.0.free.add_permits(more - paid);
        } else {
            let fewer = before - now;
            account.debt += fewer - self.0.free.forget_permits(fewer);
        }
    }

    /// A slot, if one is free now.
    #[must_use]
    pub fn try_take(&self) -> Option<Slot> {
        let permit = self.0.free.clone().try_acquire_owned().ok()?;
        Some(Slot { permit: Some(permit), slots: self.clone(), stays_taken: false })
    }

    /// A slot, even beyond the limit.
    #[must_use]
    pub fn take_in_any_case(&self) -> Slot {
        self.try_take().unwrap_or_else(|| {
            self.account().debt += 1;
            Slot { permit: None, slots: self.clone(), stays_taken: false }
        })
    }

    /// Waits for a slot. The longest waiter gets the next one.
    pub async fn take(&self) -> Slot {
        // It is never closed.
        let permit = self.0.free.clone().acquire_owned().await.ok();
        Slot { permit, slots: self.clone(), stays_taken: false }
    }

    /// Waits until a slot is free for which nothing else waits.
    pub async fn any_free(&self) {
        drop(self.0.free.acquire().await);
    }

    /// Whether all are taken.
    #[must_use]
    pub fn are_taken(&self) -> bool {
        self.0.free.available_permits() == 0
    }

    /// The lock cannot be poisoned: nothing panics while it is held.
    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Its connection has ended like this. A connection that continues in another process
    /// keeps its slot here: otherwise a waiting peer would get it and then follow to that
    /// process, which would have more connections than `-n` allows, and than it has
    /// sandboxes for.
    pub(crate) fn after(mut self, outcome: &Outcome) {
        self.stays_taken = matches!(outcome, Outcome::Moved(_));
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut account = self.slots.account();
        match self.permit.take() {
            permit if self.stays_taken => permit.into_iter().for_each(OwnedSemaphorePermit::forget),
            Some(permit) if account.debt > 0 => {
                account.debt -= 1;
                permit.forget();
            }
            // The slot is free for the next connection.
            Some(_) => {}
            None if account.debt > 0 => account.debt -= 1,
            // The debt was paid when another slot was returned.
            None => self.slots.0.free.add_permits(1),
        }
    }
}

fn permits(limit: NonZeroUsize) -> usize {
    limit.get().min(Semaphore::MAX_PERMITS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::connection::tally::Traffic;

    #[test]
    fn lowered_limit_counts_those_that_are_taken() {
        let slots = Slots::new(limit(4));
        let mut taken: Vec<_> = (0..3).map(|_| slots.try_take().unwrap()).collect();
        slots.set_limit(limit(2));
        assert!(slots.are_taken() && slots.try_take().is_none());
        taken.pop();
        assert!(slots.are_taken(), "two are left of two");
        taken.pop();
        let last = slots.try_take().unwrap();
        assert!(slots.are_taken());
        drop((taken, last));
        assert_eq!(free(&slots), 2);
    }

    #[test]
    fn raised_limit_pays_the_debt_first() {
        let slots = Slots::new(limit(3));
        let taken: Vec<_> = (0..3).map(|_| slots.try_take().unwrap()).collect();
        slots.set_limit(limit(1));
        slots.set_limit(limit(4));
        assert_eq!((slots.limit(), free(&slots)), (limit(4), 1));
        drop(taken);
        assert_eq!(free(&slots), 4);
    }

    #[test]
    fn slot_beyond_the_limit_is_given_back_to_nobody() {
        for last_first in [true, false] {
            let slots = Slots::new(limit(1));
            let within = slots.take_in_any_case();
            let beyond = slots.take_in_any_case();
            let (first, last) = if last_first { (beyond, within) } else { (within, beyond) };
            drop(first);
            assert!(slots.are_taken(), "one is left of one");
            drop(last);
            assert_eq!(free(&slots), 1);
        }
    }

    #[test]
    fn slot_of_a_connection_that_goes_on_elsewhere_is_nobody_elses() {
        let slots = Slots::new(limit(2));
        slots.try_take().unwrap().after(&Outcome::Moved(Traffic::default()));
        assert_eq!(free(&slots), 1);
        slots.try_take().unwrap().after(&Outcome::Closed(Traffic::default()));
        assert_eq!(free(&slots), 1);
    }

    fn limit(limit: usize) -> NonZeroUsize {
        NonZeroUsize::new(limit).unwrap()
    }

    fn free(slots: &Slots) -> usize {
        let taken: Vec<_> = std::iter::from_fn(|| slots.try_take()).collect();
        taken.len()
    }
}
