//! How a connection ended, in words for the administrator.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;

use log::Level;

use crate::connection::handshake::HandshakeError;
use crate::connection::heard::Heard;
use crate::connection::hints;
use crate::connection::inactivity::Inactive;
use crate::connection::live::{Live, Reset, Stage};
use crate::connection::place::Dismissal;
use crate::connection::relay::{Broken, Done};
use crate::connection::tally::{Tally, Traffic};
use crate::guest::{Config, Failure, GuestError, PeerFault, ProtocolFailure, Side};
use crate::net::dial::DialError;
use crate::observe::counters::Ending;
use crate::observe::{Bytes, Class, Event, What};

/// How a connection ended.
#[derive(Debug)]
pub enum Outcome {
    /// Both directions came to their ends.
    Closed(Traffic),
    /// It has not ended: another process goes on with it.
    Moved(Traffic),
    /// It was established, and broke.
    Broken(Broken, Traffic),
    /// It was established, and ended because its key was revoked.
    Revoked(Traffic),
    /// It was ended by order, for this reason.
    Reset(Reset, Traffic),
    /// The handshake failed, after the other end had sent this.
    Refused(HandshakeError, Heard),
    /// The peer has a key that was revoked since it connected.
    RevokedKey,
    /// The peer has a key that already has as many connections as it may have.
    KeyLimit(NonZeroUsize),
    /// It was dismissed as a stranger.
    Dismissed(Dismissal),
    /// The peer has a key, but no slot became free in time: this many are taken.
    NoSlot(NonZeroUsize),
    /// The target could not be reached.
    Unreachable(DialError),
    /// No sandbox could be made.
    NoGuest(GuestError),
}

impl Outcome {
    /// The outcome of an established connection.
    pub(super) fn of(done: Result<Done, Broken>, tally: &Tally) -> Self {
        let traffic = tally.traffic();
        match done {
            Ok(Done::Closed) => Self::Closed(traffic),
            Ok(Done::Moved) => Self::Moved(traffic),
            Err(cause) => Self::Broken(cause, traffic),
        }
    }

    /// The outcome of a connection that was ordered to end.
    #[must_use]
    pub fn told(why: Reset, live: &Live) -> Self {
        match (why, live.stage()) {
            // The order came too late: the connection had moved.
            _ if live.is_gone() => Self::Moved(live.traffic()),
            (Reset::Revoked, Stage::Stranger | Stage::Authenticated | Stage::Connecting) => {
                Self::RevokedKey
            }
            (Reset::Revoked, Stage::Established | Stage::Closing) => Self::Revoked(live.traffic()),
            (Reset::Dropped | Reset::Drained, _) => Self::Reset(why, live.traffic()),
        }
    }

    /// This outcome with what the other end had sent, if it is about a handshake.
    #[must_use]
    pub fn after(mut self, said: &[u8]) -> Self {
        if let Self::Refused(_, heard) = &mut self {
            *heard = Heard::of(said);
        }
        self
    }

    /// The log level. Nothing is wrong when a connection is closed, when an application
    /// resets it, or when a client only checks whether the port is open.
    fn level(&self, side: Side) -> Level {
        match self {
            Self::Broken(cause, traffic) if service_seems_down(side, cause, *traffic) => {
                Level::Warn
            }
            Self::Refused(error, Heard::Nothing)
                if side == Side::Server && !matches!(error, HandshakeError::TimedOut(_)) =>
            {
                Level::Debug
            }
            Self::Closed(_)
            | Self::Broken(Broken::Crypt(_) | Broken::Plain(_) | Broken::Inactive(_), _)
            | Self::Reset(..) => Level::Info,
            Self::Broken(Broken::Session(_), _)
            | Self::Revoked(_)
            | Self::Refused(..)
            | Self::RevokedKey
            | Self::KeyLimit(_)
            | Self::NoSlot(_)
            | Self::Unreachable(_) => Level::Warn,
            Self::Dismissed(_) | Self::Moved(_) => Level::Debug,
            Self::NoGuest(_) => Level::Error,
        }
    }

    /// The event for the log. `config` is the session's configuration; `authenticated`
    /// is whether its key is known.
    #[must_use]
    pub fn event(&self, config: Config, authenticated: bool) -> Event {
        let class = self.class(config.side(), authenticated);
        let what = self.ending().map_or(What::Note, What::Ended);
        let words = self.describe(config, authenticated).to_string();
        let mut event = Event::new(self.level(config.side()), class, what, words);
        event.bytes = self.traffic().map(|Traffic { sent, received }| Bytes { sent, received });
        event
    }

    /// Who caused it.
    fn class(&self, side: Side, authenticated: bool) -> Class {
        match self {
            Self::Unreachable(_) | Self::Broken(Broken::Plain(_), _) if side == Side::Server => {
                Class::Target
            }
            Self::Unreachable(_) | Self::Refused(..) | Self::Broken(Broken::Crypt(_), _)
                if side == Side::Client =>
            {
                Class::Target
            }
            Self::NoGuest(_) | Self::Reset(..) | Self::Moved(_) => Class::Ourselves,
            Self::Refused(..) if !authenticated => Class::Stranger,
            Self::Dismissed(_) => Class::Stranger,
            Self::Closed(_)
            | Self::Broken(..)
            | Self::Revoked(_)
            | Self::Refused(..)
            | Self::RevokedKey
            | Self::KeyLimit(_)
            | Self::NoSlot(_)
            | Self::Unreachable(_) => Class::KeyHolder,
        }
    }

    /// Whether the sandbox failed, as opposed to the protocol.
    #[must_use]
    pub fn is_trap(&self) -> bool {
        matches!(
            self,
            Self::Broken(Broken::Session(Failure::Guest(_)), _)
                | Self::Refused(HandshakeError::Session(Failure::Guest(_)), _)
        )
    }

    fn traffic(&self) -> Option<Traffic> {
        match self {
            Self::Closed(traffic)
            | Self::Moved(traffic)
            | Self::Broken(_, traffic)
            | Self::Revoked(traffic)
            | Self::Reset(_, traffic) => Some(*traffic),
            Self::Refused(..)
            | Self::RevokedKey
            | Self::KeyLimit(_)
            | Self::Dismissed(_)
            | Self::NoSlot(_)
            | Self::Unreachable(_)
            | Self::NoGuest(_) => None,
        }
    }

    /// How it is counted; `None` if the connection has not ended.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        Some(match self {
            Self::Moved(_) => return None,
            Self::Closed(_) => Ending::Closed,
            Self::Broken(Broken::Crypt(_) | Broken::Plain(_), _) => Ending::Broken,
            Self::Broken(Broken::Inactive(Inactive::Idle(_)), _) => Ending::Idle,
            Self::Broken(Broken::Inactive(Inactive::HalfClosed(_)), _) => Ending::HalfClosed,
            Self::Broken(Broken::Session(Failure::Protocol(ProtocolFailure::Peer(_))), _) => {
                Ending::TruncatedOrForged
            }
            Self::Revoked(_) | Self::Reset(Reset::Revoked, _) => Ending::Revoked,
            Self::Reset(Reset::Dropped, _) => Ending::Dropped,
            Self::Reset(Reset::Drained, _) => Ending::Drained,
            Self::Refused(HandshakeError::Session(failure), _) => match failure.peer_fault() {
                Some(PeerFault::WrongKey) => Ending::WrongKey,
                Some(_) => Ending::Handshake,
                None => Ending::Internal,
            },
            Self::Refused(HandshakeError::Io(_), _) | Self::Dismissed(Dismissal::Draining) => {
                Ending::Handshake
            }
            Self::Dismissed(Dismissal::Silent) => Ending::Evicted,
            Self::Refused(HandshakeError::TimedOut(_), _) | Self::NoSlot(_) => Ending::TimeLimit,
            Self::RevokedKey => Ending::RevokedKey,
            Self::KeyLimit(_) => Ending::KeyLimit,
            Self::Unreachable(_) => Ending::Target,
            Self::Broken(Broken::Session(_), _) | Self::NoGuest(_) => Ending::Internal,
        })
    }

    /// The log line, as for [`event`](Self::event).
    #[must_use]
    pub fn describe(&self, config: Config, authenticated: bool) -> Description<'_> {
        Description { outcome: self, config, authenticated }
    }
}

impl From<HandshakeError> for Outcome {
    fn from(error: HandshakeError) -> Self {
        Self::Refused(error, Heard::Unknown)
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
            GuestError::Failed(failure) => {
                Self::Refused(HandshakeError::Session(failure), Heard::Unknown)
            }
            GuestError::Entropy(_) | GuestError::Instance(_) => Self::NoGuest(error),
        }
    }
}

/// An [`Outcome`] as text.
#[derive(Debug)]
pub struct Description<'a> {
    outcome: &'a Outcome,
    config: Config,
    authenticated: bool,
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outcome, config, authenticated } = *self;
        match outcome {
            Outcome::Closed(traffic) => write!(f, "closed: {traffic}"),
            Outcome::Moved(traffic) => write!(f, "moved to the new process: {traffic}"),
            Outcome::Broken(Broken::Inactive(inactive), traffic) => {
                write!(f, "reset: {inactive}; {traffic}")
            }
            Outcome::Broken(cause, traffic) => {
                let down = service_seems_down(config.side(), cause, *traffic);
                let hint = if down { hints::SERVICE_DOWN } else { "" };
                write!(f, "broken: {cause}{hint}; {traffic}")
            }
            Outcome::Revoked(traffic) | Outcome::Reset(Reset::Revoked, traffic) => {
                write!(f, "reset: the key was revoked; {traffic}")
            }
            Outcome::Reset(Reset::Dropped, traffic) => {
                write!(f, "reset: dropped (spiped drop); {traffic}")
            }
            Outcome::Reset(Reset::Drained, traffic) => {
                write!(f, "reset: it did not end within the time of --drain; {traffic}")
            }
            Outcome::RevokedKey => f.write_str("refused: the key was revoked"),
            Outcome::KeyLimit(limit) => {
                write!(
                    f,
                    "refused: the key has all of its {limit} connections \
                    (--connections-per-key)"
                )
            }
            Outcome::Dismissed(Dismissal::Silent) => f.write_str(
                "refused: it sent nothing, and its place was needed for others \
                    (--handshakes)",
            ),
            Outcome::Dismissed(Dismissal::Draining) => f.write_str(
                "refused: this pipe accepts no \
                new connections",
            ),
            Outcome::NoSlot(limit) => {
                write!(
                    f,
                    "refused: all {limit} connections (-n) were in use for the whole time \
                    limit (-o)"
                )
            }
            Outcome::Refused(error, heard) => match config.side() {
                Side::Server => {
                    let hint = hints::of_server(error, *heard, config, authenticated);
                    write!(f, "refused: {error}{hint}")
                }
                Side::Client => {
                    let hint = hints::of_client(error, *heard, config);
                    write!(f, "Handshake failed: {error}{hint}")
                }
            },
            Outcome::Unreachable(error) => write!(f, "Could not connect: {error}"),
            Outcome::NoGuest(error) => write!(f, "refused: {error}"),
        }
    }
}

/// Whether a client's connection ended as it does when the other end cannot reach its
/// target.
fn service_seems_down(side: Side, cause: &Broken, traffic: Traffic) -> bool {
    let reset = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
    side == Side::Client
        && traffic.received == 0
        && matches!(cause, Broken::Crypt(error) if reset.contains(&error.kind()))
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let socket =
            |f: &mut fmt::Formatter<'_>, side, error: &io::Error| write!(f, "{side} side: {error}");
        match self {
            Self::Inactive(inactive) => inactive.fmt(f),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::{ClientConfig, ServerConfig};

    const CLIENT: Config = Config::Client(ClientConfig::X25519);
    const SERVER: Config = Config::Server(ServerConfig::X25519);

    #[test]
    fn class_is_whoever_causes_it() {
        let class =
            |outcome: Outcome, config, authenticated| outcome.event(config, authenticated).class;
        assert_eq!(class(refused(), SERVER, false), Class::Stranger);
        assert_eq!(class(refused(), SERVER, true), Class::KeyHolder);
        assert_eq!(class(refused(), CLIENT, true), Class::Target);
        assert_eq!(class(trap(), SERVER, false), Class::Stranger);
        assert_eq!(class(forged(), SERVER, true), Class::KeyHolder);
        assert_eq!(class(forged(), CLIENT, true), Class::KeyHolder);
        let no_random_bytes = || GuestError::Entropy(getrandom::Error::UNEXPECTED);
        assert_eq!(class(no_random_bytes().into(), SERVER, false), Class::Ourselves);
    }

    #[test]
    fn probe_is_a_matter_of_debugging_and_silence_is_not() {
        let level = |outcome: Outcome, config| outcome.event(config, false).level;
        assert_eq!(level(refused().after(b""), SERVER), Level::Debug);
        assert_eq!(level(refused().after(b"x"), SERVER), Level::Warn);
        assert_eq!(level(refused().after(b""), CLIENT), Level::Warn);
        let silence = HandshakeError::TimedOut(std::time::Duration::from_secs(5));
        assert_eq!(level(Outcome::from(silence).after(b""), SERVER), Level::Warn);
    }

    #[test]
    fn reset_before_a_byte_came_is_worth_a_warning_to_a_client() {
        let broken = |received, kind: io::ErrorKind| {
            Outcome::Broken(Broken::Crypt(kind.into()), Traffic { sent: 1, received })
        };
        let event = broken(0, io::ErrorKind::ConnectionReset).event(CLIENT, true);
        assert_eq!((event.level, event.class), (Level::Warn, Class::Target));
        assert!(event.words.contains("is its service running?"), "{event}");
        for (outcome, config) in [
            (broken(0, io::ErrorKind::ConnectionReset), SERVER),
            (broken(1, io::ErrorKind::ConnectionReset), CLIENT),
            (broken(0, io::ErrorKind::TimedOut), CLIENT),
        ] {
            let event = outcome.event(config, true);
            assert_eq!(event.level, Level::Info);
            assert!(!event.words.contains("service"), "{event}");
        }
    }

    #[test]
    fn trap_is_no_fault_of_the_protocol() {
        assert!(trap().is_trap() && !forged().is_trap() && !refused().is_trap());
    }

    fn refused() -> Outcome {
        HandshakeError::Session(PeerFault::TruncatedInHandshake.into()).into()
    }

    fn trap() -> Outcome {
        HandshakeError::Session(Failure::Guest("unreachable".to_owned())).into()
    }

    fn forged() -> Outcome {
        let failure = PeerFault::ForgedPacket(0).into();
        Outcome::Broken(Broken::Session(failure), Traffic::default())
    }
}
