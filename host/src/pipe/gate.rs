//! The places for strangers, shared by all event loops.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::connection::place::{Dismissal, Keeper, Place};
use crate::observe::Prefix;
use crate::pipe::admission::{Admission, Admitted, Budget, Origin, Refused};

/// The places of one pipe.
pub(super) struct Gate {
    admission: Mutex<Admission<oneshot::Sender<Dismissal>>>,
    changed: Notify,
}

impl Gate {
    /// All places are free.
    #[must_use]
    pub(super) fn new(budget: Budget) -> Arc<Self> {
        Arc::new(Self { admission: Mutex::new(Admission::new(budget)), changed: Notify::new() })
    }

    /// Changes their number.
    pub(super) fn set_budget(&self, budget: Budget) {
        self.lock().set_budget(budget);
        self.changed.notify_one();
    }

    /// A place for a stranger that has not sent anything yet, if it gets one.
    pub(super) fn welcome(self: &Arc<Self>, source: Origin) -> Option<Place> {
        let is_welcome = self.lock().welcomes(source);
        is_welcome.then(|| self.admit(source, Instant::now()).ok())?
    }

    /// Whether any stranger that has not sent anything yet could get a place.
    #[must_use]
    pub(super) fn welcomes_any(&self) -> bool {
        self.lock().welcomes_any()
    }

    /// A place for a stranger that has sent something. A silent stranger is evicted for
    /// it.
    ///
    /// # Errors
    /// When there is none now.
    pub(super) fn admit(self: &Arc<Self>, source: Origin, now: Instant) -> Result<Place, Refused> {
        let mut told = None;
        let reach = || {
            let (tell, receiver) = oneshot::channel();
            told = Some(receiver);
            tell
        };
        let Admitted { id, instead_of } = self.lock().admit(source, now, reach)?;
        dismiss(instead_of, Dismissal::Silent);
        let told = told.unwrap_or_else(|| oneshot::channel().1);
        Ok(Place::new(turn_of(source), self.clone(), id, told))
    }

    /// Evicts strangers whose first bytes are overdue.
    pub(super) fn dismiss_overdue(&self, now: Instant) {
        let mut admission = self.lock();
        while let Some(overdue) = admission.next_overdue(now) {
            dismiss([overdue], Dismissal::Silent);
        }
    }

    /// When the next one will be overdue, as of now.
    #[must_use]
    pub(super) fn overdue_at(&self) -> Option<Instant> {
        self.lock().overdue_at()
    }

    /// Dismisses all strangers.
    pub(super) fn close(&self) {
        let all = self.lock().dismiss_all();
        dismiss(all, Dismissal::Draining);
    }

    /// Resolves when a place has become free since the last call.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The lock cannot be poisoned: nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Admission<oneshot::Sender<Dismissal>>> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper for Gate {
    fn heard(&self, id: u64) {
        self.lock().heard(id, Instant::now());
    }

    fn left(&self, id: u64) {
        // No effect if the stranger was dismissed: the place belongs to another one.
        let left = self.lock().leave(id);
        if left.is_some() {
            self.changed.notify_one();
        }
    }
}

/// The turn of a source in the queue for computing.
pub(super) fn turn_of(source: Origin) -> u64 {
    source.map_or(0, Prefix::number)
}

fn dismiss(strangers: impl IntoIterator<Item = oneshot::Sender<Dismissal>>, why: Dismissal) {
    for stranger in strangers {
        // It may be leaving already.
        let _ = stranger.send(why);
    }
}
