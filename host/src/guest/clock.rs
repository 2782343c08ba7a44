//! The clock that stops a guest which does not return.
//!
//! It ticks only while a guest is being called. After some time without a call, its
//! thread sleeps until the next one, so that an idle daemon is never woken.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use wasmtime::{Engine as Wasmtime, Store, UpdateDeadline};

use super::imports::Imports;

/// The interval between ticks while a guest is being called.
const TICK: Duration = Duration::from_millis(10);

/// The clock stops after this many ticks without a call. It does not stop earlier,
/// because starting it again costs the next call a system call, and there are calls
/// between two batches.
const IDLE_TICKS: u32 = 100;

/// How long a call may compute. This is time on the processor: a machine that is busy
/// with other work must not cost anyone a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowance {
    /// On an event loop, where other connections wait: calls take microseconds, the
    /// longest a few tenths of a millisecond.
    EventLoop,
    /// On a compute thread, possibly of a slow machine.
    Background,
}

impl Allowance {
    /// The rest after the first tick, which comes at most one tick after the call
    /// began.
    fn time(self) -> Duration {
        match self {
            Self::EventLoop => Duration::from_millis(30),
            Self::Background => Duration::from_secs(2),
        }
    }
}

/// The state of a call that has seen a tick.
#[derive(Debug)]
pub(super) struct Call {
    allowance: Allowance,
    /// The processor time of its thread at that tick.
    since: Option<Duration>,
}

impl Call {
    pub(super) fn new(allowance: Allowance) -> Self {
        Self { allowance, since: None }
    }

    /// Whether it has computed for too long, checked at a tick.
    fn is_over(&mut self) -> bool {
        let now = computed();
        let since = *self.since.get_or_insert(now);
        now.saturating_sub(since) >= self.allowance.time()
    }
}

/// Sets what `store` does at the ticks of a call.
pub(super) fn hold_to_allowance(store: &mut Store<Imports>) {
    store.epoch_deadline_callback(|mut store| {
        Ok(if store.data_mut().call().is_over() {
            UpdateDeadline::Interrupt
        } else {
            UpdateDeadline::Continue(1)
        })
    });
}

/// Gives the next call into this store its full time.
pub(super) fn wind_up(store: &mut Store<Imports>, allowance: Allowance) {
    store.set_epoch_deadline(1);
    *store.data_mut().call() = Call::new(allowance);
}

/// The processor time of this thread.
///
/// Asks as the C library does: the form that rustix uses does not exist under valgrind,
/// where the checks of constant time run.
fn computed() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Ends its thread when it is dropped.
pub(super) struct Ticker(Arc<Clock>);

impl Ticker {
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn start(wasmtime: &Wasmtime) -> io::Result<Self> {
        let clock = Arc::<Clock>::default();
        let (ticking, wasmtime) = (clock.clone(), wasmtime.clone());
        let thread = thread::Builder::new()
            .name("epoch".into())
            .spawn(move || ticking.tick(|| wasmtime.increment_epoch()))?;
        // No other code sets it.
        let _ = clock.thread.set(thread.thread().clone());
        Ok(Self(clock))
    }

    pub(super) fn clock(&self) -> &Arc<Clock> {
        &self.0
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.is_over.store(true, SeqCst);
        self.0.wake();
    }
}

/// The number of calls in progress, and whether the clock ticks.
#[derive(Debug, Default)]
pub(super) struct Clock {
    calls: AtomicUsize,
    is_stopped: AtomicBool,
    is_over: AtomicBool,
    thread: OnceLock<Thread>,
}

/// A call in progress, until it is dropped.
pub(super) struct Watched(Arc<Clock>);

impl Clock {
    /// A call begins.
    pub(super) fn watch(self: &Arc<Self>) -> Watched {
        self.calls.fetch_add(1, SeqCst);
        if self.is_stopped.swap(false, SeqCst) {
            self.wake();
        }
        Watched(self.clone())
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn tick(&self, increment: impl Fn()) {
        let mut idle = 0;
        while !self.is_over.load(SeqCst) {
            thread::park_timeout(TICK);
            if self.calls.load(SeqCst) > 0 {
                idle = 0;
                increment();
            } else if idle < IDLE_TICKS {
                idle += 1;
            } else {
                idle = 0;
                self.stop();
            }
        }
    }

    /// Waits for the next call.
    fn stop(&self) {
        self.is_stopped.store(true, SeqCst);
        // A call that began in the meantime may not have seen that the clock stops, but
        // this thread can see the call; a call that begins later sees that the clock
        // has stopped.
        while self.is_stopped.load(SeqCst)
            && self.calls.load(SeqCst) == 0
            && !self.is_over.load(SeqCst)
        {
            thread::park();
        }
        self.is_stopped.store(false, SeqCst);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn ticks_come_only_while_there_is_a_call() {
        let clock = Arc::<Clock>::default();
        let (ticks, ticked) = channel();
        let ticking = clock.clone();
        let thread = thread::spawn(move || ticking.tick(|| ticks.send(()).unwrap_or_default()));
        let _ = clock.thread.set(thread.thread().clone());
        let ticker = Ticker(clock.clone());
        let long = Duration::from_secs(20);
        for _ in 0..2 {
            let call = clock.watch();
            for _ in 0..3 {
                assert!(ticked.recv_timeout(long).is_ok(), "it ticks");
            }
            drop(call);
            while !clock.is_stopped.load(SeqCst) {
                thread::yield_now();
            }
            // What came before the end of the call.
            while ticked.try_recv().is_ok() {}
            assert!(ticked.recv_timeout(TICK * 3).is_err(), "it has stopped");
        }
        drop(ticker);
        assert!(thread.join().is_ok(), "it ends");
    }
}
