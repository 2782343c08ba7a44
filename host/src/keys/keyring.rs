//! The set of keys in force, which can be replaced as a whole.

use std::sync::Arc;

use tokio::sync::watch;

use super::{KeySet, KeySetError, KeySource};

/// The keys in force, and where to read them again.
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
        let current = watch::Sender::new(Arc::new(source.load()?));
        Ok(Self { source, current })
    }

    /// The keys in force now.
    #[must_use]
    pub fn current(&self) -> Arc<KeySet> {
        self.current.borrow().clone()
    }

    /// Reads the keys again and puts them in force, all at once. Says what is
    /// different. Blocks.
    ///
    /// # Errors
    /// What is wrong with them; then those that are in force stay so.
    pub fn reload(&self) -> Result<String, KeySetError> {
        let mut keys = self.source.load_strictly()?;
        let former = self.current();
        // First, so that no connection gets past it in between.
        keys.succeed(&former);
        let said = format!("{} in use{}", keys.keys().len(), keys.changes_from(&former));
        self.current.send_replace(Arc::new(keys));
        Ok(said)
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
        keyring.reload().unwrap_err();
        assert!(Arc::ptr_eq(&keyring.current(), &first));
        write("b", "2");
        assert_eq!(keyring.reload().unwrap(), "2 in use; added: b");
        assert_eq!(keyring.current().keys().len(), 2);
        assert!(keyring.current().find(&first.psks()[0]).is_some());
    }
}
