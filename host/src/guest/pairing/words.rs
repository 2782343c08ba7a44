//! The generated types in words for the user.

use std::fmt;

use super::{Failure, PeerFault, ProtocolFailure};

impl fmt::Display for PeerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPairing => "it does not speak the protocol of spiped pair",
            Self::SameSide => "both ends play the same side",
            Self::OtherMode => "one end was given a code and the other was not",
            Self::BadCommitment => "its public value differs from its commitment",
            Self::BadPublicValue => "its public value is out of range",
            Self::WrongConfirmation => "its confirmation is wrong",
            Self::Surplus => "it sent more than the protocol has",
            Self::Truncated => "it closed the connection",
        })
    }
}

/// An exchange's.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(ProtocolFailure::Peer(fault)) => fault.fmt(f),
            Self::Protocol(ProtocolFailure::Misuse(misuse)) => {
                write!(f, "the sandboxed protocol component was called wrongly: {misuse:?}")
            }
            Self::Protocol(ProtocolFailure::Rejected) => {
                f.write_str("the user answered that the screens differ")
            }
            Self::Guest(reason) => write!(f, "the sandboxed protocol component failed: {reason}"),
        }
    }
}
