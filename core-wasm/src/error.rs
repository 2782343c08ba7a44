//! Why a session fails, and whose fault it is.

use core::fmt;

/// Why a session failed. The first failure is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The peer's fault, or that of an active attacker.
    Peer(PeerFault),
    /// The host's fault.
    Misuse(Misuse),
    /// 2^64 - 1 packets were sent in one direction.
    Exhausted,
}

/// What the peer, or an active attacker, did wrong. All of these look alike on
/// the wire: the connection just ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerFault {
    /// The key share's MAC did not verify under any accepted key.
    WrongKey,
    /// The client has an accepted key and uses a key exchange that is not.
    KeyExchangeNotAccepted,
    /// The peer sent our own nonce or public value.
    Reflected,
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
    /// An authenticated packet declares a length outside 1 to 1024; with
    /// X25519, 0 is the end mark.
    BadLength {
        /// The packet's number, from 0.
        number: u64,
        /// The length it declares, in bytes.
        length: u32,
    },
    /// Bytes came after the end mark (X25519).
    DataAfterEndMark,
    /// The crypt side ended before the handshake was complete.
    TruncatedInHandshake,
    /// The crypt side ended inside a packet.
    TruncatedInPacket,
    /// The crypt side ended between packets, without the end mark (X25519).
    TruncatedBeforeEndMark,
}

/// What our own host did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// A pre-shared key is not 32 bytes long.
    PskLength,
    /// A pre-shared key was given twice.
    DuplicatePsk,
    /// The nonce is not 32 bytes long.
    NonceLength,
    /// The entropy does not have the length that is asked for.
    EntropyLength,
    /// Nonce and exponent are equal, or all their bytes are.
    BrokenRandomness,
    /// The hello does not have the length of one that is accepted.
    HelloLength,
    /// `start` was called twice, or another call came before it.
    StartOrder,
    /// `compute` was called although nothing was due.
    NothingToCompute,
    /// More than a batch of packets came before the value was computed.
    ComputeFirst,
    /// Plain-side input came before the session was established.
    NotEstablished,
    /// More input came from a side that has ended.
    AfterEof,
    /// The session was suspended.
    Suspended,
    /// What was to be resumed is no suspended session, or of another version.
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
            Self::Suspended => "the session was suspended and goes on elsewhere",
            Self::BadState => "not the state of a suspended session",
        })
    }
}
