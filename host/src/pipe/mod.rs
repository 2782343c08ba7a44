//! What lives as long as a pipe is configured.

pub(crate) mod admission;
mod gate;
pub(crate) mod listener;
mod parked;
mod report;
mod sources;
mod spawn;
mod strangers;
mod waiting;

use std::sync::Arc;

use crate::connection::{End, Snapshot};
use crate::guest::GuestError;
use crate::keys::KeySet;
use crate::observe::Observe;
use sources::Sources;

/// A source and its target.
pub(crate) struct Pipe {
    /// What it is called in the log.
    pub name: Arc<str>,
    /// Who is told what happens to it.
    pub observe: Observe,
    /// What its connections have in common.
    pub snapshot: Arc<Snapshot>,
    sources: Sources,
}

/// There is no acceptor that knows the new keys.
#[derive(Debug, thiserror::Error)]
#[error("Cannot search for a peer's key among them: {0}")]
pub(crate) struct ReplaceError(#[from] GuestError);

impl Pipe {
    /// A pipe of this name.
    #[must_use]
    pub(crate) fn new(name: Arc<str>, snapshot: Snapshot) -> Self {
        let observe = snapshot.observe.clone();
        Self { name, observe, snapshot: Arc::new(snapshot), sources: Sources::default() }
    }

    /// Puts these keys in use, all at once. Says what is different. With many
    /// keys, this takes too long for an event loop.
    ///
    /// # Errors
    /// What is wrong; the keys in use stay so then.
    pub(crate) fn replace_keys(&self, keys: KeySet) -> Result<String, ReplaceError> {
        let prepared = match &self.snapshot.end {
            End::Client(_) => None,
            End::Server(acceptors) => Some((acceptors, acceptors.prepare(&keys)?)),
        };
        let (keys, said) = self.snapshot.keys.replace(keys);
        // Until this is done, a stranger with a key that was revoked is found,
        // and refused for that.
        if let Some((acceptors, prepared)) = prepared {
            acceptors.replace(keys, prepared);
        }
        Ok(said)
    }
}
