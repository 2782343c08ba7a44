//! What can be seen of the pipes of this process, by whoever asks: the
//! supervisor is the only one to change it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::handover::messages::{Process, Reloads};
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

    /// How reloads came out, for a process that takes the place of this one.
    pub(super) fn reloads(&self) -> Reloads {
        let last = self.last_reload();
        let verdict = last.as_deref().map(|last| &last.verdict);
        let said = verdict.map(|(Ok(said) | Err(said))| said.clone());
        Reloads {
            last_success: milliseconds(self.last_success()),
            last: last.as_deref().map(|last| milliseconds(last.when)),
            succeeded: verdict.is_some_and(Result::is_ok),
            said: said.unwrap_or_default(),
        }
    }

    /// This process has taken the place of another one, of which this is known. Its
    /// keys are no newer than those of that one.
    pub(super) fn took_over(&self, before: &Process, said: String) {
        let Process { upgrades, upgrades_failed, ref reloads, .. } = *before;
        if let Some(Reloads { last_success, last, succeeded, said }) = reloads {
            let verdict = if *succeeded { Ok(said.clone()) } else { Err(said.clone()) };
            let last = last.map(|when| Arc::new(Reloaded { when: time(when), verdict }));
            self.0.last_reload.store(last);
            self.0.last_success.store(Arc::new(time(*last_success)));
        }
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

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Not in the future.
fn time(milliseconds: u64) -> SystemTime {
    (UNIX_EPOCH + Duration::from_millis(milliseconds)).min(SystemTime::now())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn reloads_are_known_to_the_process_that_takes_over() {
        let before = Pipes::default();
        let handed_over = |before: &Pipes| {
            let process = Process { reloads: Some(before.reloads()), ..Process::default() };
            let after = Pipes::default();
            let long_ago = time(1);
            after.0.last_success.store(Arc::new(long_ago));
            after.took_over(&process, "has taken over".to_owned());
            assert_eq!(milliseconds(after.last_success()), milliseconds(before.last_success()));
            after
        };
        assert!(handed_over(&before).last_reload().is_none());
        for verdict in [Ok("3 keys".to_owned()), Err("no such key".to_owned())] {
            before.reloaded(verdict.clone());
            // As often as it may be.
            let after = handed_over(&handed_over(&before));
            let (last, expected) = (after.last_reload().unwrap(), before.last_reload().unwrap());
            assert_eq!(last.verdict, verdict);
            assert_eq!(milliseconds(last.when), milliseconds(expected.when));
        }
        // One that has nothing to say of it.
        let after = Pipes::default();
        let started = after.last_success();
        after.took_over(&Process::default(), String::new());
        assert_eq!(after.last_success(), started);
    }

    #[test]
    fn no_time_is_in_the_future() {
        assert!(time(u64::MAX) <= SystemTime::now());
    }
}
