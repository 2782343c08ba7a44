//! What lives as long as a pipe is configured.

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

/// A source and its target. Its name, its numbers and its slots outlive a
/// reload; what its connections have in common is exchanged as a whole.
pub(crate) struct Pipe {
    /// What it is called in the log.
    pub name: Arc<str>,
    /// Who is told what happens to it.
    pub observe: Observe,
    /// What its connections did.
    pub counters: Arc<PipeCounters>,
    /// Those that are there now.
    pub live: Arc<LiveConnections>,
    /// How many connections there may be at once.
    pub slots: Slots,
    current: ArcSwap<Current>,
    state: watch::Sender<State>,
    sources: Sources,
    /// Each connection holds a guard to its end.
    alive: Alive,
}

/// What is exchanged by a reload. A connection keeps what it began with.
pub(crate) struct Current {
    /// As they were given.
    pub settings: PipeSettings,
    /// What new connections have in common.
    pub snapshot: Arc<Snapshot>,
}

/// How a pipe is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It accepts connections.
    Listening,
    /// A name of it has not been resolved yet (`wait-for-dns`).
    WaitingForDns,
    /// It accepts none any more, and has some.
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

    /// What holds for connections that begin now.
    #[must_use]
    pub(crate) fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }

    /// How it is doing.
    #[must_use]
    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// It is doing like this from now on.
    pub(crate) fn set_state(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Resolves when its names are known.
    async fn names_known(&self) {
        // The sender is here.
        let _ = self.state.subscribe().wait_for(|state| *state != State::WaitingForDns).await;
    }

    /// From now on, connections begin with these.
    pub(crate) fn set_current(&self, current: Current) {
        self.current.store(Arc::new(current));
    }

    /// Puts these keys in use, all at once. Says what is different. With many
    /// keys, this takes too long for an event loop.
    pub(crate) fn replace_keys(&self, keys: KeySet) -> String {
        let current = self.current();
        let prepared = match &current.snapshot.side {
            Side::Client(_) => None,
            Side::Server(acceptors) => Some((acceptors, acceptors.prepare(&keys))),
        };
        let (keys, said) = current.snapshot.keys.replace(keys);
        // Until this is done, a stranger with a key that was revoked is found,
        // and refused for that.
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
