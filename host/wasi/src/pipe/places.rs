//! How many connections there are at once.

use alloc::format;
use alloc::rc::Rc;
use core::cell::Cell;

use crate::log;
use crate::runtime::{Runtime, Signal};

/// At most `limit` of each kind.
pub(super) struct Places {
    limit: usize,
    open: Cell<usize>,
    withheld: Cell<usize>,
    changed: Signal,
}

/// Taken by a connection, until it is dropped.
pub(super) struct Place {
    places: Rc<Places>,
    is_withheld: bool,
}

impl Places {
    pub(super) fn new(runtime: Runtime, limit: usize) -> Rc<Self> {
        let changed = Signal::new(runtime);
        Rc::new(Self { limit, open: Cell::new(0), withheld: Cell::new(0), changed })
    }

    /// Until a connection can be taken, and one more be withheld.
    pub(super) async fn one_is_free(&self) {
        let limit = self.limit;
        if self.withheld.get() >= limit {
            log::line(&format!(
                "{limit} connections that failed are still held open by applications: \
                 no more are accepted until one of them closes its side"
            ));
        } else if self.open.get() >= limit {
            log::line(&format!("Maximum number of connections ({limit}) reached"));
        }
        let is_free = || self.open.get() < limit && self.withheld.get() < limit;
        self.changed.wait_until(is_free).await;
    }

    /// Takes one, whether there is one or not.
    pub(super) fn take(self: &Rc<Self>) -> Place {
        self.open.set(self.open.get() + 1);
        Place { places: Rc::clone(self), is_withheld: false }
    }
}

impl Place {
    /// From now on another one of these can be open.
    pub(super) fn withhold(&mut self) {
        if !self.is_withheld {
            self.is_withheld = true;
            self.places.open.set(self.places.open.get() - 1);
            self.places.withheld.set(self.places.withheld.get() + 1);
            self.places.changed.notify();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let count = if self.is_withheld { &self.places.withheld } else { &self.places.open };
        count.set(count.get() - 1);
        self.places.changed.notify();
    }
}
