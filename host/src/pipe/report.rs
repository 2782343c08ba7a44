//! Reports a connection that has ended.

use std::fmt::Write as _;

use log::Level;

use crate::connection::Ended;
use crate::keys::Key;
use crate::observe::counters::Ending;
use crate::observe::{Event, Observed, What};
use crate::pipe::Pipe;

impl Pipe {
    /// Logs how a connection has ended.
    pub(super) fn report(&self, mut observed: Observed, ended: &Ended) {
        let Ended { outcome, key } = ended;
        let prefix = observed.source().and_then(|source| source.prefix);
        let mut event = outcome.event(self.current().snapshot.config(), key.is_some());
        if let (Some(prefix), Some(key)) = (prefix, key) {
            self.sources.had_key(prefix, key);
        }
        if outcome.ending() == Some(Ending::WrongKey)
            && let Some(name) = prefix.and_then(|prefix| self.sources.removed_key(prefix))
        {
            // Writing to a string cannot fail.
            let _ = write!(event.words, " (key {name}, used from there before, has been removed)");
        }
        observed.of_key(key.as_ref().and_then(Key::name));
        let class = event.class;
        observed.ended(event);
        if outcome.is_trap() {
            self.counters.traps.one_more();
        }
        if outcome.is_trap()
            && let Some(prefix) = prefix
            && let Some(count) = self.sources.trapped(prefix)
        {
            let words = format!("{count} connections from {prefix} have made the sandbox fail");
            observed.say(Event::new(Level::Warn, class, What::RepeatedTraps, words));
        }
    }
}
