//! What can be seen of the pipes of this process, by whoever asks: the
//! supervisor is the only one to change it.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::handover::messages::Process;
use crate::pipe::Pipe;

/// The pipes of this process. Clones are the same.
#[derive(Clone)]
pub(crate) struct Pipes(Arc<Seen>);

struct Seen {
    started: SystemTime,
    configured: ArcSwap<Vec<Arc<Pipe>>>,
    removed: ArcSwap<Vec<Arc<Pipe>>>,
    last_reload: ArcSwapOption<Reloaded>,
    last_success: ArcSwap<SystemTime>,
    upgrades: ArcSwap<Upgrades>,
}

/// How upgrades came out, in this process and those whose place it took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upgrades {
    /// How many came about.
    pub succeeded: u64,
    /// How many did not.
    pub failed: u64,
    /// How the last one came out, if there has been one.
    pub last: Option<Reloaded>,
}

/// How a reload or an upgrade came out.
#[derive(Clone, Debug)]
pub(crate) struct Reloaded {
    /// When it was done.
    pub when: SystemTime,
    /// What has changed, or why nothing has.
    pub verdict: Result<String, String>,
}

impl Default for Pipes {
    /// None yet, at the start of the process.
    fn default() -> Self {
        let started = SystemTime::now();
        Self(Arc::new(Seen {
            started,
            configured: ArcSwap::default(),
            removed: ArcSwap::default(),
            last_reload: ArcSwapOption::empty(),
            last_success: ArcSwap::from_pointee(started),
            upgrades: ArcSwap::default(),
        }))
    }
}

impl Pipes {
    /// Those that are configured, in the order of the settings.
    #[must_use]
    pub(crate) fn configured(&self) -> Arc<Vec<Arc<Pipe>>> {
        self.0.configured.load_full()
    }

    /// Those that were removed by a reload and still have connections.
    #[must_use]
    pub(crate) fn removed(&self) -> Arc<Vec<Arc<Pipe>>> {
        self.0.removed.load_full()
    }

    /// When the process began.
    #[must_use]
    pub(crate) fn started(&self) -> SystemTime {
        self.0.started
    }

    /// How the last reload came out, if there has been one.
    #[must_use]
    pub(crate) fn last_reload(&self) -> Option<Arc<Reloaded>> {
        self.0.last_reload.load_full()
    }

    /// When settings or keys were read last with success: at the start, if they
    /// were not since.
    #[must_use]
    pub(crate) fn last_success(&self) -> SystemTime {
        **self.0.last_success.load()
    }

    /// How upgrades came out.
    #[must_use]
    pub(crate) fn upgrades(&self) -> Arc<Upgrades> {
        self.0.upgrades.load_full()
    }

    /// An upgrade has not come about, for this reason.
    pub(super) fn upgrade_failed(&self, why: String) {
        let Upgrades { succeeded, failed, .. } = *self.upgrades();
        let last = Some(Reloaded { when: SystemTime::now(), verdict: Err(why) });
        self.0.upgrades.store(Arc::new(Upgrades { succeeded, failed: failed + 1, last }));
    }

    /// This process has taken the place of another one, of which this is known.
    pub(super) fn took_over(&self, before: &Process, said: String) {
        let Process { upgrades, upgrades_failed, .. } = *before;
        let last = Some(Reloaded { when: SystemTime::now(), verdict: Ok(said) });
        let succeeded = upgrades.saturating_add(1);
        self.0.upgrades.store(Arc::new(Upgrades { succeeded, failed: upgrades_failed, last }));
    }

    /// These are configured from now on.
    pub(super) fn configure(&self, configured: Vec<Arc<Pipe>>) {
        self.0.configured.store(Arc::new(configured));
    }

    /// These are removed, and not gone.
    pub(super) fn set_removed(&self, removed: Vec<Arc<Pipe>>) {
        self.0.removed.store(Arc::new(removed));
    }

    /// A reload has come out like this.
    pub(super) fn reloaded(&self, verdict: Result<String, String>) {
        let reloaded = Reloaded { when: SystemTime::now(), verdict };
        if reloaded.verdict.is_ok() {
            self.0.last_success.store(Arc::new(reloaded.when));
        }
        self.0.last_reload.store(Some(Arc::new(reloaded)));
    }
}
