//! Why a session fails, and who is at fault.

use core::fmt;

/// Why a session failed. The first failure is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer or an active attacker is at fault.
    Peer(PeerFault),
    /// Our own host is at fault.
    Misuse(Misuse),
    /// 2^64 - 1 packets were sent in one direction: there is no number for the next
    /// one.
    Exhausted,
}

/// What the peer or an active attacker did wrong. On the wire, all of these look the
/// same: the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerFault {
    /// The key share's MAC did not verify under any accepted key.
    WrongKey,
    /// The client has an accepted key, but uses a key exchange that is not accepted.
    KeyExchangeNotAccepted,
    /// The peer sent our own nonce or public value.
    Reflected,
    /// The public value is not below the group's prime.
    PublicValueOutOfRange,
    /// The public value has low order: the shared value would be 0, whatever ours is
    /// (X25519).
    LowOrderPublicValue,
    /// The peer omits forward secrecy, and this end requires it.
    NoForwardSecrecy,
    /// A packet's MAC did not verify.
    ForgedPacket {
        /// The packet's number, from 0.
        number: u64,
    },
    /// An authenticated packet declares a length outside 1 to 1024; with X25519, 0 is
    /// the end mark.
    BadLength {
        /// The packet's number, from 0.
        number: u64,
        /// The declared length, in bytes.
        length: u32,
    },
    /// Bytes followed the end mark (X25519).
    DataAfterEndMark,
    /// The crypt side ended before the handshake was complete.
    TruncatedInHandshake,
    /// The crypt side ended inside a packet.
    TruncatedInPacket,
    /// The crypt side ended between packets, without the end mark (X25519).
    TruncatedBeforeEndMark,
}

/// What our own host did wrong: a bug in the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// A pre-shared key is not 32 bytes long.
    PskLength,
    /// A pre-shared key was given twice.
    DuplicatePsk,
    /// The nonce is not 32 bytes long.
    NonceLength,
    /// The entropy does not have the required length.
    EntropyLength,
    /// The nonce and the exponent are equal, as they are if all 64 bytes are.
    BrokenRandomness,
    /// The hello does not have the length of an accepted one.
    HelloLength,
    /// `start` was called twice, or another call came before it.
    StartOrder,
    /// `compute` was called while no value was due.
    NothingToCompute,
    /// More than a batch of packets was passed in before the value was computed.
    ComputeFirst,
    /// Plain-side input was passed in before the session was established.
    NotEstablished,
    /// More input was passed in from a side that has ended.
    AfterEof,
    /// The session was suspended.
    Suspended,
    /// The bytes to resume from are not a suspended session, or have another version.
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
            Self::KeyExchangeNotAccepted => f.write_str("key exchange not accepted"),
            Self::Reflected => f.write_str("our own nonce or public value came back"),
            Self::PublicValueOutOfRange => f.write_str("public value out of range"),
            Self::LowOrderPublicValue => f.write_str("public value of low order"),
            Self::NoForwardSecrecy => f.write_str("peer omits forward secrecy"),
            Self::ForgedPacket { number } => write!(f, "packet {number} is forged or corrupted"),
            Self::BadLength { number, length } => {
                write!(f, "packet {number} declares an impossible length, {length}")
            }
            Self::DataAfterEndMark => f.write_str("bytes came after the end mark"),
            Self::TruncatedInHandshake => f.write_str("truncated in the handshake"),
            Self::TruncatedInPacket => f.write_str("truncated in a packet"),
            Self::TruncatedBeforeEndMark => f.write_str("truncated before the end mark"),
        }
    }
}

impl core::error::Error for Misuse {}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PskLength => "a pre-shared key is not 32 bytes long",
            Self::DuplicatePsk => "a pre-shared key was given twice",
            Self::NonceLength => "the nonce is not 32 bytes long",
            Self::EntropyLength => "the entropy has the wrong length",
            Self::BrokenRandomness => "the random bytes are not random",
            Self::HelloLength => "the hello has the wrong length",
            Self::StartOrder => "start must be called once, before anything else",
            Self::NothingToCompute => "there is nothing to compute",
            Self::ComputeFirst => "too much input before the value was computed",
            Self::NotEstablished => "the session is not established",
            Self::AfterEof => "input from a side that has ended",
            Self::Suspended => "the session was suspended and continues elsewhere",
            Self::BadState => "not the state of a suspended session",
        })
    }
}
