//! What a pipe takes over from another process, and what it hands over: connections and
//! counters.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::connection::arriving::{Arrival, Entitled};
use crate::handover::messages::Numbers;
use crate::keys::Key;
use crate::observe::counters::Counters;
use crate::pipe::Pipe;
use crate::process::workers::Dispatcher;

impl Pipe {
    /// Takes over a connection that has arrived, with this key: reports whether it can
    /// continue, and continues it once it is `entitled`. It counts as open and takes a
    /// slot from the start.
    ///
    /// If no answer comes, it cannot continue.
    pub(crate) fn adopt(
        self: &Arc<Self>,
        arrival: Arrival,
        key: Option<Key>,
        workers: &Dispatcher,
        entitled: watch::Receiver<Entitled>,
    ) -> oneshot::Receiver<Result<(), String>> {
        let (answer, answered) = oneshot::channel();
        let (pipe, alive) = (self.clone(), self.alive.guard());
        let arrival = Box::new(arrival);
        workers.spawn(async move {
            let snapshot = pipe.current().snapshot.clone();
            let slot = pipe.slots.take_in_any_case();
            let observed = pipe.observe.adopted(arrival.id(), arrival.source(), arrival.age());
            let id = observed.connection().unwrap_or(arrival.id());
            let live = pipe.live.enter(arrival.live(id, key));
            let ended = snapshot.adopt(arrival, Arc::clone(&live), answer, entitled).await;
            drop(live);
            if let Some(ended) = ended {
                slot.after(&ended.outcome);
                pipe.report(observed, &ended);
            }
            drop(alive);
        });
        answered
    }

    /// Its counters. `keys` are all its keys, including former ones.
    #[must_use]
    pub(crate) fn numbers(&self, keys: &[Key]) -> Numbers {
        let counters = &self.counters;
        let words = |counters: &Counters| {
            counters.now().words().map(|(word, count)| (word.to_owned(), count)).collect()
        };
        Numbers {
            pipe: self.name.to_string(),
            connections: words(&counters.connections),
            keys: keys.iter().map(|key| words(key.counters())).collect(),
            not_allowed: counters.not_allowed.now(),
            traps: counters.traps.now(),
            handshakes: counters.handshakes.now(),
            dials: counters.dials.now(),
        }
    }

    /// Continues from these counters, for the same keys in the same order.
    pub(crate) fn restore(&self, numbers: &Numbers, keys: &[Key]) {
        let counters = &self.counters;
        counters.connections.restore(&numbers.connections);
        for (key, numbers) in keys.iter().zip(&numbers.keys) {
            key.counters().restore(numbers);
        }
        counters.not_allowed.more(numbers.not_allowed);
        counters.traps.more(numbers.traps);
        counters.handshakes.restore(&numbers.handshakes);
        counters.dials.restore(&numbers.dials);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    mod arrivals;
    mod lab;
    mod moves;
    mod peer;
    mod waiters;
}
