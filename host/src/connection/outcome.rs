//! How a connection ended, in words for the administrator.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;

use log::Level;

use crate::connection::handshake::HandshakeError;
use crate::connection::relay::Broken;
use crate::connection::tally::Traffic;
use crate::guest::{Config, Failure, GuestError, PeerFault, ProtocolFailure, Side};
use crate::net::dial::DialError;
use crate::observe::counters::Ending;
use crate::observe::{Bytes, Class, Event, What};

/// How a connection ended.
#[derive(Debug)]
pub enum Outcome {
    /// Both directions came to their ends.
    Closed(Traffic),
    /// It was established, and broke.
    Broken(Broken, Traffic),
    /// It was established, and ended because its key was revoked.
    Revoked(Traffic),
    /// There was no handshake.
    Refused(HandshakeError),
    /// The peer holds a key, which was revoked since it connected.
    RevokedKey,
    /// The peer holds a key that has this many connections, which is all it
    /// may have.
    KeyLimit(NonZeroUsize),
    /// The target could not be reached.
    Unreachable(DialError),
    /// There was no sandbox to run it in.
    NoGuest(GuestError),
}

impl Outcome {
    /// How much the administrator wants to know about it: nothing is wrong
    /// when a connection is closed, or reset by an application.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Closed(_) | Self::Broken(Broken::Crypt(_) | Broken::Plain(_), _) => Level::Info,
            Self::Broken(Broken::Session(_), _)
            | Self::Revoked(_)
            | Self::Refused(_)
            | Self::RevokedKey
            | Self::KeyLimit(_)
            | Self::Unreachable(_) => Level::Warn,
            Self::NoGuest(_) => Level::Error,
        }
    }

    /// The event that it is. `config` is what the session was told;
    /// `authenticated` is whether its key is known.
    #[must_use]
    pub fn event(&self, config: Config, authenticated: bool) -> Event {
        let class = self.class(config.side(), authenticated);
        let what = What::Ended(self.ending());
        let mut event = Event::new(self.level(), class, what, self.describe(config).to_string());
        event.bytes = self.traffic().map(|Traffic { sent, received }| Bytes { sent, received });
        event
    }

    /// Whose doing it is.
    fn class(&self, side: Side, authenticated: bool) -> Class {
        match self {
            Self::Unreachable(_) | Self::Broken(Broken::Plain(_), _) if side == Side::Server => {
                Class::Target
            }
            Self::Unreachable(_) | Self::Refused(_) | Self::Broken(Broken::Crypt(_), _)
                if side == Side::Client =>
            {
                Class::Target
            }
            Self::NoGuest(_) => Class::Ourselves,
            Self::Refused(_) if !authenticated => Class::Stranger,
            Self::Closed(_)
            | Self::Broken(..)
            | Self::Revoked(_)
            | Self::Refused(_)
            | Self::RevokedKey
            | Self::KeyLimit(_)
            | Self::Unreachable(_) => Class::KeyHolder,
        }
    }

    fn traffic(&self) -> Option<Traffic> {
        match self {
            Self::Closed(traffic) | Self::Broken(_, traffic) | Self::Revoked(traffic) => {
                Some(*traffic)
            }
            Self::Refused(_)
            | Self::RevokedKey
            | Self::KeyLimit(_)
            | Self::Unreachable(_)
            | Self::NoGuest(_) => None,
        }
    }

    /// What it is counted as.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match self {
            Self::Closed(_) => Ending::Closed,
            Self::Broken(Broken::Crypt(_) | Broken::Plain(_), _) => Ending::Broken,
            Self::Broken(Broken::Session(Failure::Protocol(ProtocolFailure::Peer(_))), _) => {
                Ending::TruncatedOrForged
            }
            Self::Revoked(_) => Ending::Revoked,
            Self::Refused(HandshakeError::Session(failure)) => match failure.peer_fault() {
                Some(PeerFault::WrongKey) => Ending::WrongKey,
                Some(_) => Ending::Handshake,
                None => Ending::Internal,
            },
            Self::Refused(HandshakeError::Io(_)) => Ending::Handshake,
            Self::Refused(HandshakeError::TimedOut(_)) => Ending::TimeLimit,
            Self::RevokedKey => Ending::RevokedKey,
            Self::KeyLimit(_) => Ending::KeyLimit,
            Self::Unreachable(_) => Ending::Target,
            Self::Broken(Broken::Session(_), _) | Self::NoGuest(_) => Ending::Internal,
        }
    }

    /// The log's words for it. `config` is what the session was told.
    #[must_use]
    pub fn describe(&self, config: Config) -> Description<'_> {
        Description { outcome: self, config }
    }
}

impl From<HandshakeError> for Outcome {
    fn from(error: HandshakeError) -> Self {
        Self::Refused(error)
    }
}

impl From<DialError> for Outcome {
    fn from(error: DialError) -> Self {
        Self::Unreachable(error)
    }
}

impl From<GuestError> for Outcome {
    fn from(error: GuestError) -> Self {
        match error {
            GuestError::Failed(failure) => Self::Refused(HandshakeError::Session(failure)),
            GuestError::Entropy(_) | GuestError::Instance(_) => Self::NoGuest(error),
        }
    }
}

/// An [`Outcome`] in words.
#[derive(Debug)]
pub struct Description<'a> {
    outcome: &'a Outcome,
    config: Config,
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            Outcome::Closed(traffic) => write!(f, "closed: {traffic}"),
            Outcome::Broken(cause, traffic) => write!(f, "broken: {cause}; {traffic}"),
            Outcome::Revoked(traffic) => write!(f, "reset: the key was revoked; {traffic}"),
            Outcome::RevokedKey => f.write_str("refused: the key was revoked"),
            Outcome::KeyLimit(limit) => {
                write!(f, "refused: the key has {limit} connections (--connections-per-key)")
            }
            Outcome::Refused(error) => match self.config.side() {
                Side::Server => {
                    write!(f, "refused: {error}")?;
                    f.write_str(remark(error, self.config))
                }
                Side::Client => {
                    write!(f, "Handshake failed: {error}")?;
                    f.write_str(hint(error, self.config))
                }
            },
            Outcome::Unreachable(error) => write!(f, "Could not connect: {error}"),
            Outcome::NoGuest(error) => write!(f, "refused: {error}"),
        }
    }
}

/// A server does not say why it hangs up; this is what it mostly means.
fn hint(error: &HandshakeError, config: Config) -> &'static str {
    let hung_up = match error {
        HandshakeError::Session(failure) => {
            failure.peer_fault() == Some(PeerFault::TruncatedInHandshake)
        }
        HandshakeError::Io(_) => true,
        HandshakeError::TimedOut(_) => false,
    };
    match error {
        HandshakeError::Session(_) if !hung_up => "",
        HandshakeError::Session(_) | HandshakeError::Io(_) | HandshakeError::TimedOut(_)
            if config.is_x25519_only() =>
        {
            " (wrong key, or a spiped -d there that does not know --kex x25519? \
             See its log; without --kex, any version answers)"
        }
        HandshakeError::Session(_) | HandshakeError::Io(_) => {
            " (wrong key? see the log of the spiped -d there)"
        }
        HandshakeError::TimedOut(_) => " (is a spiped -d listening there?)",
    }
}

/// Where only X25519 is accepted, nothing else is looked for.
fn remark(error: &HandshakeError, config: Config) -> &'static str {
    match error {
        HandshakeError::Session(failure)
            if failure.peer_fault() == Some(PeerFault::WrongKey) && config.is_x25519_only() =>
        {
            ", or one without --kex x25519, which is required here"
        }
        HandshakeError::Session(_) | HandshakeError::Io(_) | HandshakeError::TimedOut(_) => "",
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let socket =
            |f: &mut fmt::Formatter<'_>, side, error: &io::Error| write!(f, "{side} side: {error}");
        match self {
            Self::Session(failure) => failure.fmt(f),
            Self::Crypt(error) => socket(f, "encrypted", error),
            Self::Plain(error) => socket(f, "plain", error),
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes sent, {} bytes received", self.sent, self.received)
    }
}
