//! The set of keys in use, which can be replaced as a whole.

use std::sync::Arc;

use tokio::sync::watch;

use super::{KeySet, KeySetError, KeySource};
use crate::process::wipe::wipe_stack;

/// The keys in use, and where to read them again.
pub struct Keyring {
    source: KeySource,
    current: watch::Sender<Arc<KeySet>>,
}

impl Keyring {
    /// Reads the keys for the first time.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn load(source: KeySource) -> Result<Self, KeySetError> {
        let keys = source.load();
        // Hashing a key file leaves parts of it there.
        wipe_stack();
        let current = watch::Sender::new(Arc::new(keys?));
        Ok(Self { source, current })
    }

    /// The keys in use now.
    #[must_use]
    pub fn current(&self) -> Arc<KeySet> {
        self.current.borrow().clone()
    }

    /// Reads the keys again, without putting them in use. Blocks.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read_again(&self) -> Result<KeySet, KeySetError> {
        let keys = self.source.load_strictly();
        wipe_stack();
        keys
    }

    /// Puts these keys in use, all at once. Says what is different.
    #[allow(clippy::must_use_candidate, reason = "it is done for its effect")]
    pub fn replace(&self, mut keys: KeySet) -> (Arc<KeySet>, String) {
        let former = self.current();
        // First, so that no connection gets past it in between.
        keys.succeed(&former);
        let said = format!("{} in use{}", keys.keys().len(), keys.changes_from(&former));
        let keys = Arc::new(keys);
        self.current.send_replace(keys.clone());
        (keys, said)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn set_is_replaced_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name, content| fs::write(directory.path().join(name), content).unwrap();
        write("a", "1");
        let source = KeySource::FileOrDirectory(directory.path().into());
        let keyring = Keyring::load(source).unwrap();
        let first = keyring.current();
        write("b", "1");
        keyring.read_again().unwrap_err();
        write("b", "2");
        let keys = keyring.read_again().unwrap();
        assert!(Arc::ptr_eq(&keyring.current(), &first));
        let (keys, said) = keyring.replace(keys);
        assert_eq!(said, "2 in use; added: b");
        assert!(Arc::ptr_eq(&keyring.current(), &keys));
        assert_eq!(keys.keys().len(), 2);
        assert!(keyring.current().find(&first.psks()[0]).is_some());
    }
}
