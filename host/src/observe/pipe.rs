//! What a pipe and its connections say.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::Level;

use crate::observe::event::{Class, Event, Source, Subject, What};
use crate::observe::log::LogHandle;

/// A pipe's way to say what happens to it. The default says nothing.
#[derive(Clone, Debug, Default)]
pub struct Observe(Option<Voice>);

#[derive(Clone, Debug)]
struct Voice {
    log: LogHandle,
    pipe: Option<Arc<str>>,
}

impl Observe {
    /// Of the pipe of this name, or of the only connection of a program.
    #[must_use]
    pub fn new(log: LogHandle, pipe: Option<Arc<str>>) -> Self {
        Self(Some(Voice { log, pipe }))
    }

    /// Says what has happened to the pipe.
    pub fn say(&self, mut event: Event) {
        if let Some(Voice { log, pipe }) = &self.0 {
            event.subject.pipe.clone_from(pipe);
            log.say(event);
        }
    }

    /// A connection was accepted.
    #[must_use]
    pub fn accepted(&self, source: Source) -> Observed {
        let connection = self.0.as_ref().map(|voice| voice.log.next_connection());
        let subject = Subject { connection, peer: Some(source), ..Subject::default() };
        let observed = Observed { observe: self.clone(), subject, began: Instant::now() };
        observed.say(Event::new(Level::Debug, Class::Stranger, What::Accepted, "accepted"));
        observed
    }

    /// A connection that another process had accepted so long ago goes on here, under
    /// this number, which it had there, or a new one.
    #[must_use]
    pub(crate) fn adopted(&self, id: u64, source: Option<Source>, age: Duration) -> Observed {
        let connection = self.0.as_ref().map(|voice| voice.log.number_adopted(id));
        let subject = Subject { connection, peer: source, ..Subject::default() };
        let now = Instant::now();
        let began = now.checked_sub(age).unwrap_or(now);
        Observed { observe: self.clone(), subject, began }
    }

    /// As many connections are open as may be.
    pub fn limit_reached(&self, limit: NonZeroUsize) {
        let words = format!("Maximum number of connections ({limit}) reached");
        self.say(Event::new(Level::Warn, Class::Ourselves, What::LimitReached, words));
    }

    /// A peer with the key of this name omits forward secrecy.
    pub fn no_forward_secrecy(&self, key: Option<&impl fmt::Display>) {
        let words = "a peer omits forward secrecy (-f there): anyone who gets the key later can \
            read its recorded connections (-g refuses such peers)";
        let mut event = Event::new(Level::Warn, Class::KeyHolder, What::NoForwardSecrecy, words);
        event.subject.key = key.map(ToString::to_string);
        self.say(event);
    }

    /// The system lacks something that `cannot` be done without.
    pub fn shortage(&self, cannot: &str, error: &io::Error) {
        let words = format!("cannot {cannot}: {error}");
        self.say(Event::new(Level::Error, Class::Ourselves, What::Shortage, words));
    }
}

/// A connection's way to say what happens to it.
#[derive(Clone, Debug)]
pub struct Observed {
    observe: Observe,
    subject: Subject,
    began: Instant,
}

impl Observed {
    /// Whose connection it is, once that is known.
    pub fn of_key(&mut self, name: Option<&impl fmt::Display>) {
        self.subject.key = name.map(ToString::to_string);
    }

    /// Its number, which the log has for it, if there is a log.
    #[must_use]
    pub fn connection(&self) -> Option<u64> {
        self.subject.connection
    }

    /// Who opened it.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        self.subject.peer.as_ref()
    }

    /// Says what has happened to the connection.
    pub fn say(&self, mut event: Event) {
        event.subject = self.subject.clone();
        self.observe.say(event);
    }

    /// Says how it ended.
    pub fn ended(&self, mut event: Event) {
        event.took = Some(self.began.elapsed());
        self.say(event);
    }
}
