//! One connection's part in the numbers of its pipe and of its key.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::keys::Key;
use crate::observe::counters::{Counters, Ending};

/// What an established connection has moved, in plaintext bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the plain side to the peer.
    pub sent: u64,
    /// From the peer to the plain side.
    pub received: u64,
}

/// An open connection, counted as such until it is dropped.
pub struct Tally {
    pipe: Arc<Counters>,
    key: Option<Key>,
    /// Whether it is one of the open connections of its key.
    open_with_key: bool,
    traffic: Traffic,
}

impl Tally {
    /// A connection of a pipe, whose key is not known yet.
    #[must_use]
    pub fn new(pipe: Arc<Counters>) -> Self {
        pipe.open(None);
        Self { pipe, key: None, open_with_key: false, traffic: Traffic::default() }
    }

    /// Makes it a connection of this key. Says whether that is within the
    /// `limit` to the key's open ones; it is not one of them otherwise.
    pub fn assign(&mut self, key: &Key, limit: Option<NonZeroUsize>) -> bool {
        self.open_with_key = key.counters().open(limit);
        self.key = Some(key.clone());
        self.open_with_key
    }

    /// The key of the connection, once it is known.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// Bytes went from the plain side to the peer.
    pub fn sent(&mut self, len: usize) {
        let bytes = len as u64;
        self.traffic.sent += bytes;
        self.each(|counters| counters.sent(bytes));
    }

    /// Bytes came from the peer to the plain side.
    pub fn received(&mut self, len: usize) {
        let bytes = len as u64;
        self.traffic.received += bytes;
        self.each(|counters| counters.received(bytes));
    }

    /// What it has moved so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The connection has ended like this.
    pub fn ended(&self, ending: Ending) {
        self.each(|counters| counters.ended(ending));
    }

    fn each(&self, count: impl Fn(&Counters)) {
        count(&self.pipe);
        if let Some(key) = &self.key {
            count(key.counters());
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.pipe.close();
        if let Some(key) = &self.key
            && self.open_with_key
        {
            key.counters().close();
        }
    }
}
