//! How a connection ended, in words for the administrator.

use std::fmt;
use std::io;

use log::Level;

use crate::guest::{Failure, GuestError, PeerFault, Side};
use crate::handshake::HandshakeError;
use crate::net::dial::DialError;
use crate::relay::{Broken, Traffic};

/// How a connection ended.
#[derive(Debug)]
pub enum Outcome {
    /// Both directions came to their ends.
    Closed(Traffic),
    /// It was established, and broke.
    Broken(Broken, Traffic),
    /// There was no handshake.
    Refused(HandshakeError),
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
            Self::Broken(Broken::Session(_), _) | Self::Refused(_) | Self::Unreachable(_) => {
                Level::Warn
            }
            Self::NoGuest(_) => Level::Error,
        }
    }

    /// The log's words for it. `side` is our end of the protocol.
    #[must_use]
    pub fn describe(&self, side: Side) -> Description<'_> {
        Description { outcome: self, side }
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
        Self::NoGuest(error)
    }
}

/// An [`Outcome`] in words.
#[derive(Debug)]
pub struct Description<'a> {
    outcome: &'a Outcome,
    side: Side,
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            Outcome::Closed(traffic) => write!(f, "closed: {traffic}"),
            Outcome::Broken(cause, traffic) => write!(f, "broken: {cause}; {traffic}"),
            Outcome::Refused(error) => match self.side {
                Side::Server => write!(f, "refused: {error}"),
                Side::Client => {
                    write!(f, "Handshake failed: {error}")?;
                    f.write_str(hint(error))
                }
            },
            Outcome::Unreachable(error) => write!(f, "Could not connect: {error}"),
            Outcome::NoGuest(error) => write!(f, "refused: {error}"),
        }
    }
}

/// A server does not say why it hangs up; this is what it mostly means.
fn hint(error: &HandshakeError) -> &'static str {
    match error {
        HandshakeError::Session(Failure::Peer(PeerFault::CutOffInHandshake))
        | HandshakeError::Io(_) => " (wrong key? see the log of the spiped -d there)",
        HandshakeError::TimedOut(_) => " (is a spiped -d listening there?)",
        HandshakeError::Session(_) => "",
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
