//! Waiting for another task.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::poll_fn;
use core::mem;
use core::task::Poll;

use super::Runtime;

/// Tells tasks that what they wait for may have become true.
pub(crate) struct Signal {
    runtime: Runtime,
    waiting: RefCell<Vec<usize>>,
}

impl Signal {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self { runtime, waiting: RefCell::new(Vec::new()) }
    }

    /// Has all of them look again.
    pub(crate) fn notify(&self) {
        for task in mem::take(&mut *self.waiting.borrow_mut()) {
            self.runtime.wake(task);
        }
    }

    /// Until `condition` is true, which is looked at after every `notify`.
    pub(crate) async fn wait_until(&self, condition: impl Fn() -> bool) {
        poll_fn(|_| {
            if condition() {
                return Poll::Ready(());
            }
            let task = self.runtime.current();
            let mut waiting = self.waiting.borrow_mut();
            if !waiting.contains(&task) {
                waiting.push(task);
            }
            Poll::Pending
        })
        .await;
    }
}
