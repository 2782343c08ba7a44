//! Why a pairing fails, and who is at fault.

use core::fmt;

/// Why an exchange failed. The first failure is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer or an active attacker is at fault.
    Peer(PeerFault),
    /// Our own host is at fault.
    Misuse(Misuse),
    /// The user reported that the strings differ.
    Rejected,
}

/// What the peer or an active attacker did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerFault {
    /// The bytes received are not this protocol.
    NotPairing,
    /// The peer has the same side as this end.
    SameSide,
    /// One end has a code and the other has none.
    OtherMode,
    /// The client's public value does not match its commitment.
    BadCommitment,
    /// The public value is our own, has low order, or does not encode a group element.
    BadPublicValue,
    /// The peer's confirmation did not verify.
    WrongConfirmation,
    /// The peer sent more bytes than the protocol has.
    Surplus,
    /// The stream ended too early.
    Truncated,
}

/// What our own host did wrong: a bug in the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// The code has fewer than 6 or more than 1024 characters, not counting spaces and
    /// hyphens.
    CodeLength,
    /// The code contains characters other than printable ASCII.
    CodeCharacters,
    /// The entropy is not 32 bytes long.
    EntropyLength,
    /// All bytes of the entropy are equal.
    BrokenRandomness,
    /// `start` was called twice, or another call came before it.
    StartOrder,
    /// `confirm` or `reject` was called while there was nothing to compare.
    NothingToConfirm,
    /// `take_key` was called before the key was agreed on, or twice.
    NoKey,
    /// Bytes or a second end were passed in after the end of the stream.
    AfterEof,
}

impl From<PeerFault> for Error {
    fn from(fault: PeerFault) -> Self {
        Self::Peer(fault)
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl core::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(fault) => fault.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Rejected => f.write_str("the user answered that the strings differ"),
        }
    }
}

impl core::error::Error for Misuse {}

impl fmt::Display for PeerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPairing => "not a pairing peer",
            Self::SameSide => "both ends play the same side",
            Self::OtherMode => "one end has a code and the other has none",
            Self::BadCommitment => "public value differs from the commitment",
            Self::BadPublicValue => "public value out of range",
            Self::WrongConfirmation => "wrong code, or an active attacker",
            Self::Surplus => "bytes beyond the end of the protocol",
            Self::Truncated => "truncated before the key was agreed on",
        })
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CodeLength => "a code has 6 to 1024 characters",
            Self::CodeCharacters => "a code has only printable ASCII characters",
            Self::EntropyLength => "the entropy is not 32 bytes long",
            Self::BrokenRandomness => "the random bytes are not random",
            Self::StartOrder => "start must be called once, before anything else",
            Self::NothingToConfirm => "there is nothing to confirm",
            Self::NoKey => "there is no key to take",
            Self::AfterEof => "input from a stream that has ended",
        })
    }
}
