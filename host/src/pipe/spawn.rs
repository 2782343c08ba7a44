//! Spawns a connection as a task on one of the event loops.

use std::sync::Arc;

use crate::connection::live::Live;
use crate::connection::place::Place;
use crate::connection::slots::Slot;
use crate::net::listen::Accepted;
use crate::observe::{Observed, Source};
use crate::pipe::Pipe;
use crate::process::workers::Dispatcher;

/// Serves the connections of a pipe.
pub(super) struct Spawner<'a> {
    /// The pipe of the connections.
    pub(super) pipe: &'a Arc<Pipe>,
    /// The event loops that serve them.
    pub(super) workers: &'a Dispatcher,
}

impl Spawner<'_> {
    /// Serves this connection, which keeps its slot to its end, if it has one already.
    pub(super) fn spawn(&self, accepted: Accepted, place: Place, slot: Option<Slot>) {
        let (pipe, alive) = (self.pipe.clone(), self.pipe.alive.guard());
        self.workers.spawn(async move {
            let (source, peer) = match accepted.into_socket() {
                Ok(accepted) => accepted,
                Err(error) => return pipe.observe.shortage("watch a connection", &error),
            };
            let observed = pipe.observe.accepted(Source::new(&peer, peer.ip()));
            let snapshot = pipe.current().snapshot.clone();
            let ends = snapshot.proxy_to.and_then(|_| peer.ends(&source));
            let live = pipe.live.enter(live(&observed));
            let ended = snapshot.serve(source, ends, place, Arc::clone(&live)).await;
            drop(live);
            if let Some(slot) = slot {
                slot.after(&ended.outcome);
            }
            pipe.report(observed, &ended);
            drop(alive);
        });
    }
}

fn live(observed: &Observed) -> Live {
    Live::new(observed.connection().unwrap_or_default(), observed.source().cloned())
}
