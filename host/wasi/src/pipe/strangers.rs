//! Connections that have not shown that they have the key.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::Future;
use core::time::Duration;

use crate::runtime::{Either, Runtime, Signal, after, either};

/// At most `limit`. If there are as many, whichever has sent nothing for the
/// longest time goes: silence does not keep anyone out.
pub(super) struct Strangers {
    runtime: Runtime,
    limit: usize,
    all: RefCell<Vec<Rc<Stranger>>>,
    changed: Signal,
}

struct Stranger {
    heard: Cell<u64>,
    has_to_go: Cell<bool>,
}

/// Taken by a stranger, until it is dropped.
pub(super) struct StrangersPlace {
    strangers: Rc<Strangers>,
    stranger: Rc<Stranger>,
}

impl Strangers {
    pub(super) fn new(runtime: Runtime, limit: usize) -> Rc<Self> {
        let all = RefCell::new(Vec::new());
        Rc::new(Self { runtime, limit, all, changed: Signal::new(runtime) })
    }

    /// Until there is a place for one more.
    pub(super) async fn one_is_free(&self) {
        while self.all.borrow().len() >= self.limit {
            let now = after(Duration::ZERO);
            let remaining = {
                let all = self.all.borrow();
                let staying = all.iter().filter(|it| !it.has_to_go.get());
                let quietest = staying.min_by_key(|it| it.heard.get());
                quietest.map_or(PATIENCE, |quietest| {
                    let silent = now.saturating_sub(quietest.heard.get());
                    if silent >= PATIENCE {
                        quietest.has_to_go.set(true);
                    }
                    PATIENCE.saturating_sub(silent)
                })
            };
            self.changed.notify();
            let left = || self.all.borrow().len() < self.limit;
            let wait = Duration::from_nanos(remaining.max(1_000_000));
            self.runtime.within(wait, self.changed.wait_until(left)).await;
        }
    }

    pub(super) fn take(self: &Rc<Self>) -> StrangersPlace {
        let heard = Cell::new(after(Duration::ZERO));
        let stranger = Rc::new(Stranger { heard, has_to_go: Cell::new(false) });
        self.all.borrow_mut().push(Rc::clone(&stranger));
        StrangersPlace { strangers: Rc::clone(self), stranger }
    }
}

impl StrangersPlace {
    /// It has sent something.
    pub(super) fn heard(&self) {
        self.stranger.heard.set(after(Duration::ZERO));
    }

    /// What comes of `future`, unless the stranger has to go.
    pub(super) async fn unless_evicted<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let evicted = self.strangers.changed.wait_until(|| self.stranger.has_to_go.get());
        match either(future, evicted).await {
            Either::First(value) => Some(value),
            Either::Second(()) => None,
        }
    }
}

impl Drop for StrangersPlace {
    fn drop(&mut self) {
        self.strangers.all.borrow_mut().retain(|it| !Rc::ptr_eq(it, &self.stranger));
        self.strangers.changed.notify();
    }
}

/// For so long, silence is no reason to go: a second, in nanoseconds.
const PATIENCE: u64 = 1_000_000_000;
