//! One event loop per processor. A connection stays with the loop it was given to: no
//! other thread is woken for its bytes, and its data stays in one processor's cache.
//! With a shared scheduler, every event could wake a second thread that found nothing
//! to do.

mod load;

use std::io;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use load::{Load, Tasks};

/// The event loops of the program: one on the thread that runs
/// [`block_on`](Self::block_on), the others on threads of their own, which
/// end when this is dropped.
pub(crate) struct Workers {
    /// Present until this is dropped.
    main: Option<Runtime>,
    threads: Vec<WorkerThread>,
    loops: Arc<[EventLoop]>,
}

impl Workers {
    /// This many, at least one. Each thread calls `prepare` first, which may use the
    /// event loop.
    ///
    /// # Errors
    /// When the system is short of descriptors or threads, or one cannot get
    /// ready.
    pub(crate) fn start(count: usize, prepare: fn()) -> io::Result<Self> {
        let main = event_loop()?;
        let threads =
            (1..count).map(|_| WorkerThread::start(prepare)).collect::<io::Result<Vec<_>>>()?;
        prepare_for(&main, prepare);
        let handles = threads.iter().map(|worker| &worker.handle).chain([main.handle()]);
        let loops = handles.cloned().map(EventLoop::new).collect();
        Ok(Self { main: Some(main), threads, loops })
    }

    /// Runs a future on this thread's event loop.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let main = self.main.as_ref();
        main.unwrap_or_else(|| unreachable!("not dropped yet")).block_on(future)
    }

    /// The event loops, to hand connections to.
    #[must_use]
    pub(crate) fn dispatcher(&self) -> Dispatcher {
        Dispatcher { loops: self.loops.clone() }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.threads {
            worker.stop();
        }
        // Without waiting: one of its threads may wait for a file forever.
        if let Some(main) = self.main.take() {
            main.shutdown_background();
        }
    }
}

/// Hands each task to the least busy event loop.
#[derive(Clone)]
pub(crate) struct Dispatcher {
    loops: Arc<[EventLoop]>,
}

impl Dispatcher {
    /// Resolves when each event loop has had a turn since this call.
    pub(crate) async fn turn_all(&self) {
        let turn = |worker: &EventLoop| worker.handle.spawn(async {});
        let turns: Vec<_> = self.loops.iter().map(turn).collect();
        for turn in turns {
            // A loop that has ended counts as responsive.
            let _ = turn.await;
        }
    }

    /// Runs `task` on the least busy event loop, from its first poll to its last.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let now = Instant::now();
        let least = self.loops.iter().min_by_key(|worker| worker.load(now));
        if let Some(worker) = least {
            let counted = worker.begin();
            worker.handle.spawn(async move {
                let _counted = counted;
                task.await;
            });
        }
    }
}

/// An event loop, and how busy it is.
struct EventLoop {
    handle: Handle,
    tasks: Tasks,
    load: Mutex<Load>,
}

impl EventLoop {
    fn new(handle: Handle) -> Self {
        Self { handle, tasks: Tasks::default(), load: Mutex::default() }
    }

    /// The load: smaller is better.
    fn load(&self, now: Instant) -> impl Ord + use<> {
        let busy = || self.handle.metrics().worker_total_busy_duration(0);
        let load = self.lock().eighths(now, busy);
        (load, self.tasks.count())
    }

    /// Counts a task.
    fn begin(&self) -> load::Counted {
        self.lock().expect_more();
        self.tasks.begin()
    }

    /// The lock cannot be poisoned: nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that runs an event loop until it is stopped.
struct WorkerThread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerThread {
    fn start(prepare: fn()) -> io::Result<Self> {
        let runtime = event_loop()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = channel();
        let run = move || {
            prepare_for(&runtime, prepare);
            let _ = ready.send(());
            // An error means that the sender was dropped, which means the same.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("worker".into()).spawn(run)?;
        is_ready.recv().map_err(|_| io::Error::other("an event loop did not start"))?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The panic hook has reported a panic of that thread.
            let _ = thread.join();
        }
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes what this thread needs for its event loop.
fn prepare_for(runtime: &Runtime, prepare: fn()) {
    let _entered = runtime.enter();
    prepare();
}

/// An event loop for this thread or another.
fn event_loop() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::collections::HashMap;
    use std::sync::mpsc::Receiver;
    use std::thread::ThreadId;
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;

    const LOOPS: usize = 3;

    #[test]
    fn tasks_are_spread_evenly_and_panics_are_not_counted() {
        let workers = Workers::start(LOOPS, || {}).unwrap();
        let dispatcher = workers.dispatcher();
        let (done, mut all_done) = mpsc::channel(64);
        for _ in 0..LOOPS {
            dispatcher.spawn(async { panic!("as a broken connection might") });
        }
        while workers.loops.iter().any(|worker| worker.tasks.count() > 0) {
            workers.block_on(tokio::task::yield_now());
        }
        let per_worker = 5;
        for _ in 0..per_worker * LOOPS {
            let done = done.clone();
            dispatcher.spawn(async move {
                done.send(thread::current().id()).await.unwrap();
                // Stays counted while the others are handed out.
                done.closed().await;
            });
        }
        drop(done);
        let mut counts = HashMap::<ThreadId, usize>::new();
        workers.block_on(async {
            for _ in 0..per_worker * LOOPS {
                *counts.entry(all_done.recv().await.unwrap()).or_default() += 1;
            }
        });
        assert_eq!(counts.len(), LOOPS);
        assert!(counts.values().all(|&count| count == per_worker), "{counts:?}");
    }

    #[test]
    fn busy_loop_with_one_task_is_passed_over_for_an_idle_one_with_many() {
        let workers = Workers::start(2, || {}).unwrap();
        let dispatcher = workers.dispatcher();
        let where_it_runs = |task: fn() -> bool| {
            let (sender, receiver) = channel();
            dispatcher.spawn(async move {
                sender.send(thread::current().id()).unwrap();
                while task() {
                    tokio::task::yield_now().await;
                }
                std::future::pending::<()>().await;
            });
            receiver
        };
        // The main loop runs while something is waited for.
        let main = thread::current().id();
        let here = |receiver: Receiver<ThreadId>| {
            workers.block_on(async {
                loop {
                    match receiver.try_recv() {
                        Ok(id) => return id == main,
                        Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                    }
                }
            })
        };
        let busy = || {
            thread::sleep(Duration::from_millis(1));
            true
        };
        // One task never rests: on the other thread, or the test would not end.
        assert!(!here(where_it_runs(busy)));
        let idle: Vec<_> = (0..5).map(|_| here(where_it_runs(|| false))).collect();
        assert!(idle.contains(&true), "{idle:?}");
        workers.block_on(async { tokio::time::sleep(Duration::from_millis(300)).await });
        // Even now that the idle one has more of them.
        assert!(here(where_it_runs(|| false)));
        assert!(here(where_it_runs(|| false)));
    }
}
