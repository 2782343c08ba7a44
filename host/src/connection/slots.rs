//! How many connections there may be at once: `-n`.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The connections that a pipe may have at once.
pub struct Slots {
    limit: NonZeroUsize,
    free: Arc<Semaphore>,
}

/// One of them, until it is dropped.
pub struct Slot {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Slots {
    /// So many.
    #[must_use]
    pub fn new(limit: NonZeroUsize) -> Self {
        let permits = limit.get().min(Semaphore::MAX_PERMITS);
        let free = Arc::new(Semaphore::new(permits));
        Self { limit, free }
    }

    /// How many there are in all.
    #[must_use]
    pub fn limit(&self) -> NonZeroUsize {
        self.limit
    }

    /// One that is free now.
    #[must_use]
    pub fn try_take(&self) -> Option<Slot> {
        let permit = self.free.clone().try_acquire_owned().ok()?;
        Some(Slot { _permit: Some(permit) })
    }

    /// The next one that is free. Whoever waits longest gets it.
    pub async fn take(&self) -> Slot {
        // It is never closed.
        Slot { _permit: self.free.clone().acquire_owned().await.ok() }
    }

    /// Waits until one is free that nobody waits for.
    pub async fn any_free(&self) {
        drop(self.free.acquire().await);
    }

    /// Whether all are taken.
    #[must_use]
    pub fn are_taken(&self) -> bool {
        self.free.available_permits() == 0
    }
}
