//! A connection's contribution to the counters of its pipe and key.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::live::{Live, Stage};
use crate::guest::Side;
use crate::keys::Key;
use crate::observe::counters::{Counters, Ending, PipeCounters};

/// The plaintext bytes that an established connection has moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the plain side to the peer.
    pub sent: u64,
    /// From the peer to the plain side.
    pub received: u64,
}

/// An open connection, counted as such until it is dropped.
pub struct Tally {
    pipe: Arc<PipeCounters>,
    live: Arc<Live>,
    /// Whether it counts as an open connection of its key.
    open_with_key: bool,
}

impl Tally {
    /// A connection of a pipe, on this side, whose key is not known yet.
    #[must_use]
    pub fn new(pipe: Arc<PipeCounters>, live: Arc<Live>, side: Side) -> Self {
        pipe.connections.open(None);
        live.reached(match side {
            Side::Client => Stage::Connecting,
            Side::Server => {
                pipe.strangers.one_more();
                Stage::Stranger
            }
        });
        Self { pipe, live, open_with_key: false }
    }

    /// A connection from another process, which has counted it as accepted.
    #[must_use]
    pub(super) fn adopted(pipe: Arc<PipeCounters>, live: Arc<Live>) -> Self {
        pipe.connections.open_again();
        let key = live.key();
        key.inspect(|key| key.counters().open_again());
        let open_with_key = key.is_some();
        Self { pipe, live, open_with_key }
    }

    /// The connection as observers see it.
    pub(super) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Records its stage.
    pub fn reached(&self, stage: Stage) {
        if self.live.reached(stage) == Stage::Stranger {
            self.pipe.strangers.one_less();
        }
    }

    /// Makes it a connection of this key. Returns whether this is within the `limit` on
    /// the key's open connections; otherwise it does not count as one.
    pub fn assign(&mut self, key: &Key, limit: Option<NonZeroUsize>) -> bool {
        self.open_with_key = key.counters().open(limit);
        self.live.of_key(key);
        self.open_with_key
    }

    /// Its age.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.live.age()
    }

    /// The key of the connection, once it is known.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.live.key()
    }

    /// Counts bytes from the plain side to the peer.
    pub fn sent(&self, len: usize) {
        let bytes = len as u64;
        self.live.sent(bytes);
        self.each(|counters| counters.sent(bytes));
    }

    /// Counts bytes from the peer to the plain side.
    pub fn received(&self, len: usize) {
        let bytes = len as u64;
        self.live.received(bytes);
        self.each(|counters| counters.received(bytes));
    }

    /// The bytes it has moved so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.live.traffic()
    }

    /// Counts how the connection ended.
    pub fn ended(&self, ending: Ending) {
        self.each(|counters| counters.ended(ending));
    }

    fn each(&self, count: impl Fn(&Counters)) {
        count(&self.pipe.connections);
        if let Some(key) = self.key() {
            count(key.counters());
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        if self.live.stage() == Stage::Stranger {
            self.pipe.strangers.one_less();
        }
        self.pipe.connections.close();
        if let Some(key) = self.key()
            && self.open_with_key
        {
            key.counters().close();
        }
    }
}
