//! What takes too long for an event loop.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::process::wipe::wipe_stack;

/// As many event loops as there are, and as many computations at once: more
/// would only take turns, and delay each other and the established connections.
#[must_use]
pub fn processors() -> usize {
    available_parallelism().map_or(1, Into::into)
}

/// The threads of low priority, one a processor, that compute.
#[derive(Clone)]
pub struct Compute {
    processors: Arc<Semaphore>,
}

impl Compute {
    /// For all pipes of the program.
    #[must_use]
    pub fn new() -> Self {
        Self { processors: Arc::new(Semaphore::new(processors())) }
    }

    /// Does this when a processor is free. What was given up goes on until it
    /// is done, and keeps its processor so long. `None` if it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let processor = self.processors.clone().acquire_owned().await.ok()?;
        let computed = spawn_blocking(move || {
            let _processor = processor;
            let done = work();
            // This thread may not run again for long.
            wipe_stack();
            done
        });
        computed.await.ok()
    }
}

impl Default for Compute {
    fn default() -> Self {
        Self::new()
    }
}
