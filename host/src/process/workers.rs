//! One event loop a processor. A connection stays with the one it was given
//! to: no other thread is woken for its bytes, and what it touches stays in
//! one processor's cache.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, available_parallelism};

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

/// The event loops of the program: one on the thread that runs
/// [`block_on`](Self::block_on), the others on threads of their own, which
/// end when this is dropped.
pub struct Workers {
    /// There is one until this is dropped.
    main: Option<Runtime>,
    threads: Vec<WorkerThread>,
    loops: Arc<[EventLoop]>,
}

impl Workers {
    /// As many as there are processors.
    ///
    /// # Errors
    /// When the system is short of descriptors or threads.
    pub fn start() -> io::Result<Self> {
        let main = event_loop()?;
        let threads = (1..available_parallelism().map_or(1, Into::into))
            .map(|_| WorkerThread::start())
            .collect::<io::Result<Vec<_>>>()?;
        let handles = threads.iter().map(|worker| &worker.handle).chain([main.handle()]);
        let loops = handles.cloned().map(EventLoop::new).collect();
        Ok(Self { main: Some(main), threads, loops })
    }

    /// Runs a future on this thread's event loop.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let main = self.main.as_ref();
        main.unwrap_or_else(|| unreachable!("not dropped yet")).block_on(future)
    }

    /// What connections are handed to.
    #[must_use]
    pub fn dispatcher(&self) -> Dispatcher {
        Dispatcher { loops: self.loops.clone() }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.threads {
            worker.stop();
        }
        // A thread of it may wait for a file for ever.
        if let Some(main) = self.main.take() {
            main.shutdown_background();
        }
    }
}

/// Hands each task to the event loop that has the fewest.
#[derive(Clone)]
pub struct Dispatcher {
    loops: Arc<[EventLoop]>,
}

impl Dispatcher {
    /// Has the least busy event loop run `task`, from its first poll to its
    /// last.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let least = self.loops.iter().min_by_key(|worker| worker.tasks.load(Ordering::Relaxed));
        if let Some(EventLoop { handle, tasks }) = least {
            let counted = Counted::new(tasks);
            handle.spawn(async move {
                let _counted = counted;
                task.await;
            });
        }
    }
}

/// An event loop, and how many tasks it has been handed that have not ended.
struct EventLoop {
    handle: Handle,
    tasks: Arc<AtomicUsize>,
}

impl EventLoop {
    fn new(handle: Handle) -> Self {
        Self { handle, tasks: Arc::default() }
    }
}

/// Counts a task for as long as it lives, however it ends.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(tasks: &Arc<AtomicUsize>) -> Self {
        tasks.fetch_add(1, Ordering::Relaxed);
        Self(tasks.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A thread that runs an event loop until it is stopped.
struct WorkerThread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerThread {
    fn start() -> io::Result<Self> {
        let runtime = event_loop()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let run = move || {
            // An error is the sender being dropped, which means the same.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("worker".into()).spawn(run)?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has had its say already.
            let _ = thread.join();
        }
    }
}

/// An event loop for this thread or another.
fn event_loop() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().on_thread_start(yield_to_event_loops).build()
}

/// The threads that such a runtime starts are for what may block or takes
/// long, such as computing a shared value. Established connections do not wait
/// for that, however many want to become established.
fn yield_to_event_loops() {
    // On Linux this is about the calling thread. Where it is refused all
    // threads take turns, which works, too.
    let _ = setpriority_process(None, BACKGROUND);
}

/// Gets a tenth of the time of a thread of ordinary priority, if there is one
/// that wants it.
const BACKGROUND: i32 = 10;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::collections::HashMap;
    use std::thread::ThreadId;

    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn tasks_are_spread_evenly_and_panics_are_not_counted() {
        let workers = Workers::start().unwrap();
        let dispatcher = workers.dispatcher();
        let (done, mut all_done) = mpsc::channel(64);
        for _ in 0..workers.loops.len() {
            dispatcher.spawn(async { panic!("as a broken connection might") });
        }
        while workers.loops.iter().any(|worker| worker.tasks.load(Ordering::Relaxed) > 0) {
            workers.block_on(tokio::task::yield_now());
        }
        let per_worker = 5;
        for _ in 0..per_worker * workers.loops.len() {
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
            for _ in 0..per_worker * workers.loops.len() {
                *counts.entry(all_done.recv().await.unwrap()).or_default() += 1;
            }
        });
        assert_eq!(counts.len(), workers.loops.len());
        assert!(counts.values().all(|&count| count == per_worker), "{counts:?}");
    }
}
