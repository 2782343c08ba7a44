//! What is remembered of each source: the names of keys it had, and how often the
//! sandbox failed on it. Nothing of this is secret.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::keys::Key;
use crate::observe::Prefix;

/// The sources of a pipe's connections.
#[derive(Debug, Default)]
pub(super) struct Sources(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    sources: HashMap<Prefix, Source>,
    /// Counts events, to know which source has been quiet for longest.
    clock: u64,
}

#[derive(Debug, Default)]
struct Source {
    last: u64,
    /// The keys that have names, the latest last.
    keys: Vec<Key>,
    traps: u64,
}

impl Sources {
    /// Records a key of a peer from this source.
    pub(super) fn had_key(&self, prefix: Prefix, key: &Key) {
        // A key without a name is the only key.
        let Some(name) = key.name() else {
            return;
        };
        let mut known = self.lock();
        let keys = &mut known.source(prefix).keys;
        keys.retain(|other| other.name() != Some(name));
        keys.push(key.clone());
        if keys.len() > KEYS_MAX {
            keys.remove(0);
        }
    }

    /// The name of a key that peers from this source had, and that is no longer in use.
    pub(super) fn removed_key(&self, prefix: Prefix) -> Option<String> {
        let known = self.lock();
        let mut keys = known.sources.get(&prefix)?.keys.iter().rev();
        keys.find(|key| key.is_revoked()).and_then(Key::name).map(ToString::to_string)
    }

    /// Records that a sandbox failed on a peer from this source. Returns how often,
    /// when it is time to log it again.
    pub(super) fn trapped(&self, prefix: Prefix) -> Option<u64> {
        let mut known = self.lock();
        let traps = &mut known.source(prefix).traps;
        *traps += 1;
        (*traps >= TRAPS_MIN && traps.is_power_of_two()).then_some(*traps)
    }

    /// A poisoned lock is usable: nothing changes in several steps while it is held.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn source(&mut self, prefix: Prefix) -> &mut Source {
        self.clock += 1;
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&prefix) {
            let quietest = self.sources.iter().min_by_key(|(_, source)| source.last);
            if let Some(quietest) = quietest.map(|(prefix, _)| *prefix) {
                self.sources.remove(&quietest);
            }
        }
        let source = self.sources.entry(prefix).or_default();
        source.last = self.clock;
        source
    }
}

/// Only sources with a key, or on which a sandbox failed, are remembered.
const SOURCES_MAX: usize = 1024;
/// Several peers may share an address.
const KEYS_MAX: usize = 4;
/// Once or twice may be an accident.
const TRAPS_MIN: u64 = 4;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs::{self, Permissions};
    use std::net::Ipv4Addr;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::keys::{KeyRules, KeySource, Keyring};

    #[test]
    fn removed_key_is_known_by_where_it_was_used() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name, content| {
            let path = directory.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        };
        write("alice", "1");
        write("bob", "2");
        let source = KeySource::FileOrDirectory(directory.path().into());
        let keyring = Keyring::load(&source, KeyRules::default()).unwrap();
        let sources = Sources::default();
        for key in keyring.current().keys() {
            sources.had_key(prefix(1), key);
        }
        assert_eq!(sources.removed_key(prefix(1)), None);
        fs::remove_file(directory.path().join("alice")).unwrap();
        keyring.replace(source.load_again(KeyRules::default()).unwrap().keys);
        assert_eq!(sources.removed_key(prefix(1)).unwrap(), "alice");
        assert_eq!(sources.removed_key(prefix(2)), None);
    }

    #[test]
    fn repeated_traps_are_said_now_and_then() {
        let sources = Sources::default();
        let said: Vec<_> = (0..40).filter_map(|_| sources.trapped(prefix(1))).collect();
        assert_eq!(said, [4, 8, 16, 32]);
        assert_eq!(sources.trapped(prefix(2)), None);
    }

    #[test]
    fn the_quietest_is_forgotten_first() {
        let sources = Sources::default();
        let count = u32::try_from(SOURCES_MAX).unwrap();
        for host in 0..count {
            sources.trapped(prefix(host));
        }
        sources.trapped(prefix(0));
        sources.trapped(prefix(count));
        let known = sources.lock();
        assert_eq!(known.sources.len(), SOURCES_MAX);
        assert!(known.sources.contains_key(&prefix(0)));
        assert!(!known.sources.contains_key(&prefix(1)));
    }

    fn prefix(host: u32) -> Prefix {
        Prefix::of(Ipv4Addr::from_bits(host).into())
    }
}
