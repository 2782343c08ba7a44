//! Why a session fails, and whose fault it is.

use core::fmt;

/// Why a session failed. The first failure is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer's fault, or that of somebody between.
    Peer(PeerFault),
    /// The host's fault.
    Misuse(Misuse),
    /// 2^64 - 1 packets were sent in one direction.
    Exhausted,
}

/// What the peer, or somebody between, did wrong. All of these look alike on
/// the wire: the connection just ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerFault {
    /// The key share's MAC did not verify under any accepted key.
    WrongKey,
    /// The public value is not below the group's prime.
    PublicValueOutOfRange,
    /// The public value makes the shared value 0, whatever ours is (X25519).
    LowOrderPublicValue,
    /// The peer omits forward secrecy, which is required here.
    NoForwardSecrecy,
    /// A packet's MAC did not verify.
    ForgedPacket {
        /// The packet's number, from 0.
        number: u64,
    },
    /// An authentic packet declares a length outside 1 to 1024; with X25519, 0
    /// is the end mark.
    BadLength {
        /// The packet's number, from 0.
        number: u64,
        /// The length it declares, in bytes.
        length: u32,
    },
    /// Bytes came after the end mark (X25519).
    DataAfterEnd,
    /// The crypt side ended before the handshake was complete.
    CutOffInHandshake,
    /// The crypt side ended in the middle of a packet.
    CutOffInPacket,
    /// The crypt side ended between packets, without the end mark (X25519).
    CutOffBeforeEnd,
}

/// What our own host did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// A secret is not 32 bytes long.
    SecretLength,
    /// The client was not given exactly one secret, or the server none.
    SecretCount,
    /// The entropy is not 64 bytes long.
    EntropyLength,
    /// A client leaves the key exchange open, or X25519 is to omit forward
    /// secrecy.
    ContradictoryConfig,
    /// `start` was called twice, or another call came before it.
    StartOrder,
    /// `compute` was called although nothing was due.
    NothingToCompute,
    /// Plain-side input came before the session was established.
    NotEstablished,
    /// More input came from a side that has ended.
    AfterEof,
    /// The session was suspended.
    Suspended,
    /// What was to be resumed is no suspended session of this version.
    BadState,
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
            Self::Exhausted => f.write_str("all packet numbers are used up"),
        }
    }
}

impl fmt::Display for PeerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKey => f.write_str("wrong key, or corrupted handshake"),
            Self::PublicValueOutOfRange => f.write_str("public value out of range"),
            Self::LowOrderPublicValue => f.write_str("public value of low order"),
            Self::NoForwardSecrecy => f.write_str("peer omits forward secrecy"),
            Self::ForgedPacket { number } => write!(f, "packet {number} is forged or corrupted"),
            Self::BadLength { number, length } => {
                write!(f, "packet {number} declares an impossible length, {length}")
            }
            Self::DataAfterEnd => f.write_str("bytes came after the end mark"),
            Self::CutOffInHandshake => f.write_str("cut off in the middle of the handshake"),
            Self::CutOffInPacket => f.write_str("cut off in the middle of a packet"),
            Self::CutOffBeforeEnd => f.write_str("cut off before the end mark"),
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretLength => "a secret is not 32 bytes long",
            Self::SecretCount => "a client takes one secret, a server one or more",
            Self::EntropyLength => "the entropy is not 64 bytes long",
            Self::ContradictoryConfig => "the configuration contradicts itself",
            Self::StartOrder => "start must be called once, before anything else",
            Self::NothingToCompute => "there is nothing to compute",
            Self::NotEstablished => "the session is not established",
            Self::AfterEof => "input from a side that has ended",
            Self::Suspended => "the session was suspended and goes on elsewhere",
            Self::BadState => "not the state of a suspended session",
        })
    }
}
