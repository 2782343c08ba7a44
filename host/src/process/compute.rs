//! Computations that take too long for an event loop: a fixed set of threads of low
//! priority, and a queue.

mod queue;

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId, available_parallelism};

use rustix::process::{getpriority_process, setpriority_process};
use tokio::sync::{Notify, oneshot};

use crate::process::wipe::wipe_stack;
use queue::Queue;
pub use queue::{Class, Turn};

/// The number of event loops, and of computations at the same time: more would only
/// take turns, and delay each other and established connections. It is counted at the
/// start, because the CPU limit of a container cannot be read after the process has
/// confined itself.
#[must_use]
pub fn processors() -> usize {
    available_parallelism().map_or(1, Into::into)
}

/// The compute threads, for all pipes of the program. They exist from the start: no
/// thread has to be obtained from the system when a peer needs one.
///
/// Clones share the threads, which end with the last clone.
#[derive(Clone)]
pub struct Compute {
    /// Without a pool, the calling thread computes.
    pool: Option<Arc<Pool>>,
    threads: usize,
}

impl Compute {
    /// Computes on the calling thread: for a program with one connection, or if no
    /// thread can be started.
    #[must_use]
    pub fn inline() -> Self {
        Self { pool: None, threads: 1 }
    }

    /// This many threads, each of which calls `prepare` first.
    ///
    /// # Errors
    /// When the system refuses a thread, or one cannot get ready. Threads that were
    /// started end.
    pub fn start(threads: usize, prepare: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let pool = Pool { shared: Arc::default() };
        let prepare: Arc<dyn Fn() + Send + Sync> = Arc::new(prepare);
        for _ in 0..threads {
            pool.add_thread(&prepare)?;
        }
        Ok(Self { pool: Some(Arc::new(pool)), threads })
    }

    /// The number of threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Resolves when each thread has been between two jobs since this call.
    pub async fn turn_all(&self) {
        if let Some(pool) = &self.pool {
            pool.shared.turn_all(self.threads).await;
        }
    }

    /// Runs this when its turn comes. Dropping the future drops work that has not
    /// begun; work that has begun is completed. `None` if the work panicked, or too
    /// much is waiting already.
    pub async fn run<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let Some(pool) = &self.pool else {
            return guarded(work);
        };
        let (sender, receiver) = oneshot::channel();
        let job = move || {
            if let Some(done) = guarded(work) {
                // The receiver may have been dropped.
                let _ = sender.send(done);
            }
        };
        // Dropped with this future: drops the work.
        let _given_up = pool.shared.push(turn, Box::new(job))?;
        receiver.await.ok()
    }
}

/// Waiting work. The future that waits for it owns it, too, so that it does not outlive
/// the future: it may hold one of a limited number of guests.
type Job = Mutex<Option<Box<dyn FnOnce() + Send>>>;

/// Dropping it drops the work, unless that has begun.
struct Wanted(Arc<Job>);

impl Drop for Wanted {
    fn drop(&mut self) {
        let work = lock(&self.0).take();
        drop(work);
    }
}

struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    fn add_thread(&self, prepare: &Arc<dyn Fn() + Send + Sync>) -> io::Result<()> {
        let (shared, prepare) = (self.shared.clone(), prepare.clone());
        let (ready, is_ready) = channel();
        let run = move || {
            yield_to_event_loops();
            prepare();
            let _ = ready.send(());
            shared.work();
        };
        thread::Builder::new().name("compute".into()).spawn(run)?;
        is_ready.recv().map_err(|_| io::Error::other("a computing thread did not start"))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        lock(&self.shared.queue).close();
        self.shared.due.notify_all();
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue<Arc<Job>>>,
    /// Signalled for each job, and at the end.
    due: Condvar,
    roll_call: RollCall,
}

impl Shared {
    /// Queues work; `None` if there is no room.
    fn push(&self, turn: Turn, work: Box<dyn FnOnce() + Send>) -> Option<Wanted> {
        let job = Arc::new(Mutex::new(Some(work)));
        lock(&self.queue).push(turn, job.clone()).ok()?;
        self.due.notify_one();
        Some(Wanted(job))
    }

    async fn turn_all(&self, threads: usize) {
        let call = {
            // A thread holds this lock from its last answer until it waits, so the
            // notification cannot be missed.
            let _queue = lock(&self.queue);
            self.roll_call.begin()
        };
        self.due.notify_all();
        self.roll_call.all_have_answered(call, threads).await;
    }

    /// Runs one job after the other, until the queue is closed.
    fn work(&self) {
        while let Some(job) = self.next() {
            let work = lock(&job).take();
            if let Some(work) = work {
                work();
            }
        }
    }

    fn next(&self) -> Option<Arc<Job>> {
        let mut queue = lock(&self.queue);
        loop {
            self.roll_call.answer();
            if let Some(job) = queue.pop() {
                return Some(job);
            }
            if queue.is_closed() {
                return None;
            }
            queue = self.due.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A roll call: whether all threads are responsive.
#[derive(Default)]
struct RollCall {
    /// The number of calls so far.
    calls: AtomicU64,
    /// The last call that each thread has answered.
    answered: Mutex<HashMap<ThreadId, u64>>,
    heard: Notify,
}

impl RollCall {
    fn begin(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn answer(&self) {
        let call = self.calls.load(Ordering::SeqCst);
        let before = lock(&self.answered).insert(thread::current().id(), call);
        // The first answer of a thread counts as well: a call may have come between its
        // start and its first look at the queue. When such an answer was ignored, the
        // caller waited forever, and with it the watchdog of a healthy daemon.
        if before != Some(call) {
            self.heard.notify_one();
        }
    }

    /// Only one caller can wait at a time.
    async fn all_have_answered(&self, call: u64, threads: usize) {
        let missing = || {
            let answered = lock(&self.answered);
            answered.len() < threads || answered.values().any(|last| *last < call)
        };
        while missing() {
            self.heard.notified().await;
        }
    }
}

/// A panic of the work ends the work, not the thread. `None` then; the panic
/// hook has reported it.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    // Incomplete state is dropped with the work.
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    // This thread may not run again for a long time.
    wipe_stack();
    done
}

/// The locks cannot be poisoned: the only code under them that could panic drops jobs,
/// after which everything is consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lowers the priority, so that established connections do not wait for these threads,
/// however many strangers connect.
fn yield_to_event_loops() {
    // On Linux, this affects only the calling thread. If it is refused, all threads
    // have the same priority, which works as well.
    if let Ok(ours) = getpriority_process(None) {
        let _ = setpriority_process(None, ours.saturating_add(YIELDING).min(LOWEST));
    }
}

/// Gets a tenth of the event loops' processor time if they need it.
const YIELDING: i32 = 10;
const LOWEST: i32 = 19;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use tokio::runtime;

    use super::*;

    const TURN: Turn = Turn { class: Class::Stranger, source: 1 };

    #[test]
    fn work_that_panics_costs_no_thread() {
        let compute = Compute::start(1, || {}).unwrap();
        block_on(async {
            for _ in 0..3 {
                let panicked: Option<()> = compute.run(TURN, || panic!("on purpose")).await;
                assert_eq!(panicked, None);
            }
            assert_eq!(compute.run(TURN, || 5).await, Some(5));
        });
    }

    #[test]
    fn thread_that_does_not_come_back_is_missed() {
        let compute = Compute::start(2, || {}).unwrap();
        block_on(async {
            compute.turn_all().await;
            let (release, _order) = occupied(&compute);
            let soon = tokio::time::timeout(Duration::from_millis(50), compute.turn_all());
            assert!(soon.await.is_err());
            release.send(()).unwrap();
            compute.turn_all().await;
        });
    }

    #[test]
    fn authenticated_work_overtakes_that_of_strangers() {
        let compute = Compute::start(1, || {}).unwrap();
        let (release, order) = occupied(&compute);
        block_on(async {
            let (done, all_done) = channel();
            let note = |name| {
                let done: Sender<_> = done.clone();
                move || done.send(name).unwrap()
            };
            let later = Turn { class: Class::Authenticated, source: 2 };
            let stranger = compute.run(TURN, note("stranger"));
            let peer = compute.run(later, note("peer"));
            let release = async { release.send(()).unwrap() };
            tokio::join!(biased; stranger, peer, release);
            assert_eq!([all_done.recv().unwrap(), all_done.recv().unwrap()], ["peer", "stranger"]);
        });
        drop(order);
    }

    #[test]
    fn work_nobody_waits_for_is_dropped_at_once() {
        let compute = Compute::start(1, || {}).unwrap();
        let (release, _running) = occupied(&compute);
        block_on(async {
            let held = Arc::new(());
            let holder = held.clone();
            let mut given_up = Box::pin(compute.run(TURN, move || drop(holder)));
            tokio::select! {
                biased;
                _ = &mut given_up => panic!("the only thread is busy"),
                () = async {} => {}
            }
            drop(given_up);
            assert_eq!(Arc::strong_count(&held), 1);
            release.send(()).unwrap();
            assert_eq!(compute.run(TURN, || 1).await, Some(1));
        });
    }

    #[test]
    fn without_threads_the_caller_computes() {
        block_on(async {
            let compute = Compute::inline();
            let here = thread::current().id();
            assert_eq!(compute.run(TURN, move || thread::current().id() == here).await, Some(true));
            assert_eq!(compute.run(TURN, || panic!("on purpose")).await, None::<()>);
        });
    }

    #[test]
    fn thread_that_cannot_get_ready_is_an_error() {
        assert!(Compute::start(1, || panic!("on purpose")).is_err());
    }

    /// Keeps the only thread busy until released. The second half of the pair
    /// shows that it is.
    fn occupied(compute: &Compute) -> (Sender<()>, Arc<Shared>) {
        let ((release, released), (began, begun)) = (channel(), channel());
        let shared = compute.pool.as_ref().unwrap().shared.clone();
        let work = move || {
            began.send(()).unwrap();
            released.recv().unwrap();
        };
        let wanted = shared.push(TURN, Box::new(work)).unwrap();
        begun.recv().unwrap();
        drop(wanted);
        (release, shared)
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }
}
