//! One thing worth knowing, typed: what the log and other observers are told.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use log::Level;

use crate::observe::counters::{Ending, Numbers};
use crate::observe::prefix::Prefix;

/// One thing worth knowing.
#[derive(Clone, Debug)]
pub struct Event {
    /// How much the administrator wants to know about it.
    pub level: Level,
    /// Whose doing it is: a class can use up only its own share of the log.
    pub class: Class,
    /// What has happened.
    pub what: What,
    /// What it is about.
    pub subject: Subject,
    /// The same in words, without the subject.
    pub words: String,
    /// What a connection has moved.
    pub bytes: Option<Bytes>,
    /// How long a connection has taken.
    pub took: Option<Duration>,
    /// The counters that were asked for.
    pub numbers: Option<Box<Numbers>>,
}

/// Whose doing an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Of anyone who can connect to the source.
    Stranger,
    /// Of a peer that has one of our keys.
    KeyHolder,
    /// Of whatever the target is.
    Target,
    /// Of this process, its settings or its system.
    Ourselves,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// See the words.
    Note,
    /// A connection was accepted.
    Accepted,
    /// A connection has ended, in this way.
    Ended(Ending),
    /// No more connections are accepted until one ends.
    LimitReached,
    /// Strangers that wait to be listened to are dropped.
    Crowded,
    /// The system lacks something.
    Shortage,
    /// A peer of this key omits forward secrecy.
    NoForwardSecrecy,
    /// One source makes the sandbox fail again and again.
    RepeatedTraps,
    /// One of several targets cannot be reached any more.
    TargetDown,
    /// It can be reached again.
    TargetUp,
    /// Something that was asked for, such as counters.
    Answer,
    /// A part of this process has panicked.
    Panicked,
    /// So many lines of a class were suppressed.
    Suppressed(u64),
    /// So many lines were lost, because nobody took them.
    Lost(u64),
}

/// What an event is about. What is not known is left out.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The pipe.
    pub pipe: Option<Arc<str>>,
    /// The number of the connection, which no other one of this process has.
    pub connection: Option<u64>,
    /// Who opened the connection.
    pub peer: Option<Source>,
    /// The name of its key.
    pub key: Option<String>,
}

/// Who opened a connection.
#[derive(Clone, Debug)]
pub struct Source {
    /// In words.
    pub shown: Arc<str>,
    /// Its network; nothing on a Unix socket.
    pub prefix: Option<Prefix>,
}

/// Plaintext bytes of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// From the plain side to the peer.
    pub sent: u64,
    /// From the peer to the plain side.
    pub received: u64,
}

impl Event {
    /// An event without a connection.
    #[must_use]
    pub fn new(level: Level, class: Class, what: What, words: impl Into<String>) -> Self {
        let (subject, words) = (Subject::default(), words.into());
        Self { level, class, what, subject, words, bytes: None, took: None, numbers: None }
    }
}

impl Source {
    /// Describes whoever opened a connection, from this address if it has one.
    #[must_use]
    pub fn new(shown: &impl fmt::Display, address: Option<IpAddr>) -> Self {
        Self { shown: shown.to_string().into(), prefix: address.map(Prefix::of) }
    }
}

impl Class {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::KeyHolder => "key-holder",
            Self::Target => "target",
            Self::Ourselves => "ourselves",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stranger => "strangers",
            Self::KeyHolder => "key holders",
            Self::Target => "the target",
            Self::Ourselves => "this host",
        })
    }
}

impl What {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Accepted => "accepted",
            Self::Ended(ending) => ending.word(),
            Self::LimitReached => "limit-reached",
            Self::Crowded => "crowded",
            Self::Shortage => "shortage",
            Self::NoForwardSecrecy => "no-forward-secrecy",
            Self::RepeatedTraps => "repeated-traps",
            Self::TargetDown => "target-down",
            Self::TargetUp => "target-up",
            Self::Answer => "answer",
            Self::Panicked => "panicked",
            Self::Suppressed(_) => "suppressed",
            Self::Lost(_) => "lost",
        }
    }
}

/// The line of the log, without what the format adds to each.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject: Subject { pipe, connection: _, peer, key }, words, took, .. } = self;
        // As upstream says it.
        if self.what != What::LimitReached
            && let Some(pipe) = pipe
        {
            write!(f, "{pipe}: ")?;
        }
        if let Some(peer) = peer {
            write!(f, "{}: ", peer.shown)?;
        }
        // Counters name it themselves.
        if self.numbers.is_none()
            && let Some(key) = key
        {
            write!(f, "key {key}: ")?;
        }
        f.write_str(words)?;
        match took {
            Some(took) => write!(f, ", after {:.1} s", took.as_secs_f64()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_names_pipe_peer_and_key() {
        let mut event = Event::new(Level::Info, Class::KeyHolder, What::Note, "closed: words");
        assert_eq!(event.to_string(), "closed: words");
        event.subject = Subject {
            pipe: Some("a -> b".into()),
            connection: Some(7),
            peer: Some(Source::new(&"[192.0.2.1]:5", None)),
            key: Some("alice".to_owned()),
        };
        event.took = Some(Duration::from_millis(1_260));
        assert_eq!(
            event.to_string(),
            "a -> b: [192.0.2.1]:5: key alice: closed: words, after 1.3 s"
        );
    }
}
