//! What lives as long as a pipe is configured.

pub(crate) mod admission;
mod announced;
mod gate;
pub(crate) mod listener;
pub(crate) mod live;
mod parked;
mod report;
mod sources;
mod spawn;
mod strangers;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwap;

use crate::config::PipeSettings;
use crate::connection::slots::Slots;
use crate::connection::{End, Snapshot};
use crate::guest::GuestError;
use crate::keys::KeySet;
use crate::observe::Observe;
use crate::observe::counters::PipeCounters;
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
    state: AtomicU8,
    sources: Sources,
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

impl State {
    const ALL: [Self; 3] = [Self::Listening, Self::WaitingForDns, Self::Draining];
}

/// There is no acceptor that knows the new keys.
#[derive(Debug, thiserror::Error)]
#[error("Cannot search for a peer's key among them: {0}")]
pub(crate) struct ReplaceError(#[from] GuestError);

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
            state: AtomicU8::new(state as u8),
            sources: Sources::default(),
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
        let state = usize::from(self.state.load(Ordering::Relaxed));
        State::ALL.get(state).copied().unwrap_or(State::Draining)
    }

    /// It is doing like this from now on.
    pub(crate) fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Puts these keys in use, all at once. Says what is different. With many
    /// keys, this takes too long for an event loop.
    ///
    /// # Errors
    /// What is wrong; the keys in use stay so then.
    pub(crate) fn replace_keys(&self, keys: KeySet) -> Result<String, ReplaceError> {
        let snapshot = &self.current().snapshot;
        let prepared = match &snapshot.end {
            End::Client(_) => None,
            End::Server(acceptors) => Some((acceptors, acceptors.prepare(&keys)?)),
        };
        let (keys, said) = snapshot.keys.replace(keys);
        // Until this is done, a stranger with a key that was revoked is found,
        // and refused for that.
        if let Some((acceptors, prepared)) = prepared {
            acceptors.replace(keys, prepared);
        }
        Ok(said)
    }
}
