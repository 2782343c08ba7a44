//! Everything that lives as long as a pipe is configured.

pub(crate) mod admission;
mod adopting;
mod alive;
mod announced;
mod gate;
pub(crate) mod listener;
pub(crate) mod live;
pub(crate) mod orders;
mod parked;
mod report;
mod sources;
mod spawn;
mod strangers;
mod waiting;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::config::PipeSettings;
use crate::connection::live::{Live, Reset};
use crate::connection::slots::Slots;
use crate::connection::{Side, Snapshot};
use crate::keys::{Key, KeySet};
use crate::observe::Observe;
use crate::observe::counters::PipeCounters;
use alive::Alive;
use live::LiveConnections;
use sources::Sources;

/// A source and its target. The name, the counters and the slots of a pipe outlive a
/// reload; what its connections share is replaced atomically.
pub(crate) struct Pipe {
    /// Its name in the log.
    pub name: Arc<str>,
    /// Receives its events.
    pub observe: Observe,
    /// The counters of its connections.
    pub counters: Arc<PipeCounters>,
    /// The living connections.
    pub live: Arc<LiveConnections>,
    /// The limit on connections.
    pub slots: Slots,
    current: ArcSwap<Current>,
    state: watch::Sender<State>,
    sources: Sources,
    /// Each connection holds a guard until it ends.
    alive: Alive,
}

/// The part that a reload replaces. A connection keeps the one it began with.
pub(crate) struct Current {
    /// The settings of the pipe.
    pub settings: PipeSettings,
    /// What new connections share.
    pub snapshot: Arc<Snapshot>,
}

/// The state of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It accepts connections.
    Listening,
    /// A name of it has not been resolved yet (`wait-for-dns`).
    WaitingForDns,
    /// It accepts no connections any more, and still has some.
    Draining,
}

impl Pipe {
    /// A pipe with these settings.
    #[must_use]
    pub(crate) fn new(settings: PipeSettings, snapshot: Snapshot, state: State) -> Self {
        let observe = snapshot.observe.clone();
        let (counters, slots) = (snapshot.counters.clone(), snapshot.slots.clone());
        let name = settings.name.clone();
        let current = ArcSwap::from_pointee(Current { settings, snapshot: Arc::new(snapshot) });
        Self {
            name,
            observe,
            counters,
            live: Arc::default(),
            slots,
            current,
            state: watch::Sender::new(state),
            sources: Sources::default(),
            alive: Alive::default(),
        }
    }

    /// What connections that begin now get.
    #[must_use]
    pub(crate) fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }

    /// Its state.
    #[must_use]
    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Sets its state.
    pub(crate) fn set_state(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Resolves when its names are known.
    async fn names_known(&self) {
        // Cannot fail: the sender is here.
        let _ = self.state.subscribe().wait_for(|state| *state != State::WaitingForDns).await;
    }

    /// Sets what new connections get.
    pub(crate) fn set_current(&self, current: Current) {
        self.current.store(Arc::new(current));
    }

    /// Puts these keys in use atomically. Returns the changes. With many keys, this
    /// takes too long for an event loop.
    pub(crate) fn replace_keys(&self, keys: KeySet) -> String {
        let current = self.current();
        let prepared = match &current.snapshot.side {
            Side::Client(_) => None,
            Side::Server(acceptors) => Some((acceptors, acceptors.prepare(&keys))),
        };
        let (keys, said) = current.snapshot.keys.replace(keys);
        // Until the acceptors are replaced, a stranger with a revoked key is
        // identified, and refused for that reason.
        if let Some((acceptors, prepared)) = prepared {
            acceptors.replace(keys, prepared);
        }
        if current.settings.key_policy.close_revoked {
            self.reset_revoked();
        }
        said
    }

    /// Ends the connections whose key is no longer in use.
    pub(crate) fn reset_revoked(&self) {
        let revoked = |live: &Arc<Live>| live.key().is_some_and(Key::is_revoked);
        let connections = self.live.slices().flatten();
        connections.filter(revoked).for_each(|live| live.reset(Reset::Revoked));
    }
}
