//! Runs tasks, and polls for those that wait.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::{Future, poll_fn};
use core::mem;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use wasip2::clocks::monotonic_clock::{self, subscribe_duration, subscribe_instant};
use wasip2::io::poll::{Pollable, poll};

use super::slab::Slab;
use super::{Either, either};

/// There is one, for as long as the program runs.
pub(crate) type Runtime = &'static Reactor;

/// See the module.
pub(crate) struct Reactor {
    tasks: RefCell<Slab<Task>>,
    runnable: RefCell<VecDeque<usize>>,
    current: Cell<usize>,
    waits: RefCell<Slab<Wait>>,
    /// By time, then by number, so that each has a place of its own.
    timers: RefCell<BTreeMap<(u64, u64), usize>>,
    last_timer: Cell<u64>,
    /// When all were polled, and so what time it is for the tasks.
    polled: Cell<u64>,
}

struct Task {
    /// Not there while it runs.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    is_runnable: bool,
}

struct Wait {
    pollable: Rc<Pollable>,
    task: usize,
    is_over: bool,
}

/// The number of the task that `run` was given.
const MAIN: usize = 0;

/// How long tasks that always have something to do keep others waiting.
const TURN: u64 = 1_000_000;

/// If so many can go on at once, the host gets a millisecond first.
///
/// wasmtime's runtime, tokio, lets a program find 128 things ready before it has
/// to wait for one; after that, everything seems not to be. More than that at
/// once would use this up by finding out, again and again, without any of them
/// being able to write.
const BURST: usize = 32;

impl Reactor {
    pub(crate) fn leaked() -> Runtime {
        Box::leak(Box::new(Self {
            tasks: RefCell::new(Slab::new()),
            runnable: RefCell::new(VecDeque::new()),
            current: Cell::new(MAIN),
            waits: RefCell::new(Slab::new()),
            timers: RefCell::new(BTreeMap::new()),
            last_timer: Cell::new(0),
            polled: Cell::new(monotonic_clock::now()),
        }))
    }

    /// Runs `main` to its end, and all other tasks until then. Once.
    pub(crate) fn run<T>(&self, main: impl Future<Output = T>) -> T {
        let mut main = pin!(main);
        let number = self.tasks.borrow_mut().insert(Task { future: None, is_runnable: false });
        debug_assert_eq!(number, MAIN);
        self.wake(MAIN);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let queue = mem::take(&mut *self.runnable.borrow_mut());
            for task in queue {
                self.current.set(task);
                let future = match self.tasks.borrow_mut().get_mut(task) {
                    Some(task) => {
                        task.is_runnable = false;
                        task.future.take()
                    }
                    None => continue,
                };
                if task == MAIN {
                    if let Poll::Ready(value) = main.as_mut().poll(&mut context) {
                        return value;
                    }
                } else if let Some(mut future) = future {
                    if future.as_mut().poll(&mut context).is_ready() {
                        self.tasks.borrow_mut().remove(task);
                    } else if let Some(task) = self.tasks.borrow_mut().get_mut(task) {
                        task.future = Some(future);
                    }
                }
            }
            self.poll_all();
        }
    }

    /// A task of its own.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        let task = Task { future: Some(Box::pin(future)), is_runnable: false };
        let number = self.tasks.borrow_mut().insert(task);
        self.wake(number);
    }

    /// Until the pollable is ready.
    pub(crate) async fn ready(&self, pollable: &Rc<Pollable>) {
        let wait = Wait { pollable: Rc::clone(pollable), task: self.current.get(), is_over: false };
        let wait = Waiting { reactor: self, number: self.waits.borrow_mut().insert(wait) };
        poll_fn(|_| match self.waits.borrow_mut().get_mut(wait.number) {
            Some(wait) if !wait.is_over => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }

    /// Until this time.
    pub(crate) async fn sleep_until(&self, time: u64) {
        let number = self.last_timer.get() + 1;
        self.last_timer.set(number);
        let timer = Timer { reactor: self, key: (time, number) };
        self.timers.borrow_mut().insert(timer.key, self.current.get());
        poll_fn(|_| if self.polled.get() < time { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    /// For so long.
    pub(crate) async fn sleep(&self, time: Duration) {
        self.sleep_until(after(time)).await;
    }

    /// What comes of `future` within this time, if anything.
    pub(crate) async fn within<T>(
        &self,
        time: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        match either(future, self.sleep(time)).await {
            Either::First(value) => Some(value),
            Either::Second(()) => None,
        }
    }

    /// Lets others run, and look at what has happened to them.
    pub(crate) async fn pass(&self) {
        let mut has_passed = false;
        poll_fn(|_| {
            if mem::replace(&mut has_passed, true) {
                return Poll::Ready(());
            }
            self.wake(self.current.get());
            Poll::Pending
        })
        .await;
    }

    pub(super) fn current(&self) -> usize {
        self.current.get()
    }

    pub(super) fn wake(&self, number: usize) {
        if let Some(task) = self.tasks.borrow_mut().get_mut(number)
            && !mem::replace(&mut task.is_runnable, true)
        {
            self.runnable.borrow_mut().push_back(number);
        }
    }

    /// Waits until something can go on. If something can already, looks now and
    /// then at what has come for the others.
    fn poll_all(&self) {
        let is_idle = self.runnable.borrow().is_empty();
        let now = monotonic_clock::now();
        if !is_idle && now < self.polled.get().saturating_add(TURN) {
            return;
        }
        let timer = match self.timers.borrow().keys().next() {
            _ if !is_idle => Some(subscribe_duration(0)),
            Some((time, _)) => Some(subscribe_instant(*time)),
            None => None,
        };
        let mut tasks = self.poll_waits(timer.as_ref());
        if tasks.len() >= BURST {
            subscribe_duration(1).block();
        }
        self.polled.set(monotonic_clock::now());
        let later = self.timers.borrow_mut().split_off(&(self.polled.get() + 1, 0));
        tasks.extend(mem::replace(&mut *self.timers.borrow_mut(), later).into_values());
        for task in tasks {
            self.wake(task);
        }
    }

    /// Polls what tasks wait for, and the timer. The tasks that can go on.
    fn poll_waits(&self, timer: Option<&Pollable>) -> Vec<usize> {
        let mut waits = self.waits.borrow_mut();
        let mut numbers = Vec::new();
        let ready = {
            let mut list = Vec::new();
            for (number, wait) in waits.iter().filter(|(_, wait)| !wait.is_over) {
                list.push(&*wait.pollable);
                numbers.push(number);
            }
            list.extend(timer);
            poll(&list)
        };
        let mut tasks = Vec::new();
        for index in ready {
            // The timer has no number.
            let number = usize::try_from(index).ok().and_then(|index| numbers.get(index));
            if let Some(wait) = number.and_then(|number| waits.get_mut(*number)) {
                wait.is_over = true;
                tasks.push(wait.task);
            }
        }
        tasks
    }
}

/// The time in so long.
pub(crate) fn after(time: Duration) -> u64 {
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    monotonic_clock::now().saturating_add(nanoseconds)
}

/// Takes the pollable back.
struct Waiting<'a> {
    reactor: &'a Reactor,
    number: usize,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.reactor.waits.borrow_mut().remove(self.number);
    }
}

/// Takes the time back.
struct Timer<'a> {
    reactor: &'a Reactor,
    key: (u64, u64),
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.reactor.timers.borrow_mut().remove(&self.key);
    }
}
