//! The set of keys in use, which is replaced atomically.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::{Doubt, Key, KeyRules, KeySet, KeySetError, KeySource, Loaded};
use crate::process::wipe::wipe_stack;

/// The keys in use, and former keys that still have connections.
pub struct Keyring {
    current: watch::Sender<Arc<KeySet>>,
    /// Keys that are no longer in use and still have connections.
    former: Mutex<Vec<Key>>,
}

impl Keyring {
    /// These keys are in use.
    #[must_use]
    pub fn new(keys: KeySet) -> Self {
        Self { current: watch::Sender::new(Arc::new(keys)), former: Mutex::default() }
    }

    /// Reads the keys for the first time, and logs what it waits for if that takes
    /// long.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn load(source: &KeySource, rules: KeyRules) -> Result<Self, KeySetError> {
        let Loaded { keys, doubts } = Self::read_first(source, rules)?;
        warn(&doubts);
        log::info!("{}", keys.in_use(source));
        Ok(Self::new(keys))
    }

    /// As [`load`](Self::load), without logging.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read_first(source: &KeySource, rules: KeyRules) -> Result<Loaded, KeySetError> {
        let awaited = format!(
            "Still waiting for the end of the key from {source}: the program that writes it has \
             to close it"
        );
        let loaded = saying_what_takes_long(awaited, || source.load(rules));
        // Hashing leaves parts of a key file on the stack.
        wipe_stack();
        loaded
    }

    /// The keys in use now.
    #[must_use]
    pub fn current(&self) -> Arc<KeySet> {
        self.current.borrow().clone()
    }

    /// Whether these keys differ from those in use.
    #[must_use]
    pub fn would_change(&self, keys: &KeySet) -> bool {
        !keys.changes_from(&self.current()).are_none()
    }

    /// The changes if these keys were in use.
    #[must_use]
    pub fn difference(&self, keys: &KeySet) -> String {
        keys.difference(&self.current())
    }

    /// Puts these keys in use atomically. Returns the changes.
    #[allow(clippy::must_use_candidate, reason = "it is done for its effect")]
    pub fn replace(&self, mut keys: KeySet) -> (Arc<KeySet>, String) {
        let former = self.current();
        // Revokes removed keys before the new set is in use: a connection that begins
        // in between, with the former set, then finds its key revoked.
        keys.succeed(&former);
        let said = self.difference(&keys);
        let keys = Arc::new(keys);
        self.current.send_replace(keys.clone());
        self.add_former(former.keys());
        (keys, said)
    }

    /// Keys that are no longer in use and still have connections.
    #[must_use]
    pub fn former(&self) -> Vec<Key> {
        self.lock_former().clone()
    }

    /// Keeps those of these keys that still have connections.
    pub(crate) fn add_former(&self, keys: &[Key]) {
        let mut former = self.lock_former();
        for key in keys.iter().filter(|key| key.is_revoked()) {
            if !former.iter().any(|known| known.is_same(key)) {
                former.push(key.clone());
            }
        }
    }

    /// Drops those whose last connection has ended.
    fn lock_former(&self) -> MutexGuard<'_, Vec<Key>> {
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        former.retain(|key| key.counters().open_now() > 0);
        former
    }
}

fn warn(doubts: &[Doubt]) {
    for doubt in doubts {
        log::warn!("{doubt}");
    }
}

/// Tells a user who forgot to type a key, or whose file server is down, why nothing
/// happens. There is no time limit: the administrator decides how long a start may
/// take.
fn saying_what_takes_long<T>(line: String, act: impl FnOnce() -> T) -> T {
    let (done, end) = channel::<()>();
    // Without a thread, nothing is logged.
    let watch = thread::Builder::new().name("patience".to_owned()).spawn(move || {
        if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            log::warn!("{line}");
        }
    });
    let result = act();
    drop(done);
    // A later fork needs this thread to be the only one.
    let _ = watch.map(thread::JoinHandle::join);
    result
}

const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn set_is_replaced_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name, content| {
            let path = directory.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        };
        write("a", "1");
        let source = KeySource::FileOrDirectory(directory.path().into());
        let rules = KeyRules::default();
        let keyring = Keyring::load(&source, rules).unwrap();
        let first = keyring.current();
        write("b", "1");
        source.load_again(rules).unwrap_err();
        write("b", "2");
        let keys = source.load_again(rules).unwrap().keys;
        assert!(Arc::ptr_eq(&keyring.current(), &first));
        let (keys, said) = keyring.replace(keys);
        assert_eq!(said, "2 in use; added: b");
        assert!(Arc::ptr_eq(&keyring.current(), &keys));
        assert_eq!(keys.keys().len(), 2);
        assert!(keyring.current().find(&first.psks()[0]).is_some());
    }
}
