//! Counts the connections of a pipe, for whoever waits for the last one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts guards.
#[derive(Default)]
pub(super) struct Alive(Arc<Counted>);

#[derive(Default)]
struct Counted {
    guards: AtomicUsize,
    last: Notify,
}

/// Counts as one until it is dropped.
pub(super) struct Guard(Arc<Counted>);

impl Alive {
    /// A new guard.
    pub(super) fn guard(&self) -> Guard {
        self.0.guards.fetch_add(1, Ordering::SeqCst);
        Guard(self.0.clone())
    }

    /// Resolves when there is no guard, if no new ones are made.
    pub(super) async fn none(&self) {
        while self.0.guards.load(Ordering::SeqCst) > 0 {
            self.0.last.notified().await;
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.0.guards.fetch_sub(1, Ordering::SeqCst) == 1 {
            // The notification is kept for a waiter that does not wait yet.
            self.0.last.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::join;

    use super::*;

    #[tokio::test]
    async fn last_guard_is_waited_for() {
        let alive = Alive::default();
        alive.none().await;
        let guards = [alive.guard(), alive.guard()];
        let drop_them = async { drop(guards) };
        join!(biased; alive.none(), drop_them);
        drop(alive.guard());
        alive.none().await;
    }
}
