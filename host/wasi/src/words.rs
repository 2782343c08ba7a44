//! What went wrong, in words for the administrator.

use core::fmt;

use crate::bindings::types::Failure;
use crate::net::Broken;

/// Why a connection ended other than by the end of both its streams.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The session failed.
    Protocol(Failure),
    /// The crypt side broke.
    Crypt(Broken),
    /// The plain side broke.
    Plain(Broken),
    /// A handshake took too long.
    Time,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(Failure::Peer(fault)) => fault.fmt(f),
            Self::Protocol(Failure::Misuse(misuse)) => {
                write!(f, "the protocol component was called wrongly: {misuse:?}")
            }
            Self::Protocol(Failure::Exhausted) => f.write_str("all packet numbers are used up"),
            Self::Crypt(broken) => write!(f, "the encrypted side broke: {broken}"),
            Self::Plain(broken) => write!(f, "the plain side broke: {broken}"),
            Self::Time => f.write_str("the handshake took too long"),
        }
    }
}
