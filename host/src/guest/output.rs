//! What a guest answers, in the host's own terms, and the host's checks on it.

use std::fmt;

use super::bindings::exports::spiped::pipe::protocol;

/// Bytes on the wire per packet.
const PACKET_LEN: usize = 1060;
/// The most plaintext per packet.
const PLAIN_MAX: usize = 1024;
/// Bytes on the wire before the first packet: nonce and key share.
const HANDSHAKE_LEN: usize = 32 + 288;

/// What a call produced: write it, in order, then act on the status.
#[derive(Debug)]
pub struct Output {
    /// Bytes for the peer.
    pub to_crypt: Vec<u8>,
    /// Authentic bytes for the application, also when the session failed.
    pub to_plain: Vec<u8>,
    /// Where the session stands.
    pub status: Status,
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It wants bytes from the crypt side.
    Handshaking,
    /// It wants `compute`. On a server: the peer has proved to hold the key.
    Computing,
    /// Both directions are open.
    Established,
    /// It is over.
    Failed(Failure),
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The peer's fault, or that of somebody between.
    Peer(PeerFault),
    /// Ours: the guest was called wrongly.
    Misuse(Misuse),
    /// Nobody's: all packet numbers of one direction are used up.
    Exhausted,
    /// The guest's own: a trap, a deadline, an impossible answer.
    Guest(String),
}

/// What the peer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerFault {
    /// Its key share's MAC did not verify.
    WrongKey,
    /// Its public value is not below the prime.
    PublicValueOutOfRange,
    /// Its X25519 public value makes the shared value 0.
    LowOrderPublicValue,
    /// It omits forward secrecy, and `-g` requires it.
    NoForwardSecrecy,
    /// This packet's MAC did not verify.
    ForgedPacket(u64),
    /// This packet declares an impossible length.
    BadLength {
        /// The packet's number, from 0.
        packet: u64,
        /// The declared length, in bytes.
        length: u32,
    },
    /// It sent bytes after its end mark.
    DataAfterEnd,
    /// It closed before the handshake was complete.
    CutOffInHandshake,
    /// It closed in the middle of a packet.
    CutOffInPacket,
    /// It closed between packets, without its end mark.
    CutOffBeforeEnd,
}

/// What this host did wrong: a bug in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// A secret is not 32 bytes long.
    SecretLength,
    /// A client takes exactly one secret, a server one or more.
    SecretCount,
    /// The entropy is not 64 bytes long.
    EntropyLength,
    /// A client leaves the key exchange open, or X25519 is to omit forward
    /// secrecy.
    ContradictoryConfig,
    /// `start` was called twice, or after another call.
    StartOrder,
    /// `compute` was called though nothing was due.
    NothingToCompute,
    /// A call came that only an established session takes.
    NotEstablished,
    /// More came from a side that has ended.
    AfterEof,
    /// The session was suspended and goes on elsewhere.
    Suspended,
    /// What was to be resumed is not a suspended session.
    BadState,
}

impl Output {
    /// Nothing but a failure.
    pub(crate) fn failed(failure: Failure) -> Self {
        Self { to_crypt: Vec::new(), to_plain: Vec::new(), status: Status::Failed(failure) }
    }
}

/// What a call was given.
#[derive(Clone, Copy)]
pub(super) enum Input {
    Nothing,
    /// This many bytes from the crypt side.
    Crypt(usize),
    /// This many bytes from the plain side.
    Plain(usize),
    /// The plain side's end.
    PlainEnd,
}

/// How many bytes a session can rightly produce. A broken guest is stopped
/// here, before what it made reaches a socket.
#[derive(Default)]
pub(super) struct Bounds {
    crypt_input: usize,
    to_plain: usize,
    /// Bytes for the peer that no plaintext asked for.
    handshake: usize,
}

impl Bounds {
    /// Those of a session that may have got part of a packet before, and has
    /// nothing left of its handshake to send.
    pub(super) fn resumed() -> Self {
        Self { crypt_input: PACKET_LEN - 1, handshake: HANDSHAKE_LEN, ..Self::default() }
    }

    /// Passes on the answer to a call, unless it cannot be right.
    pub(super) fn check(&mut self, input: Input, output: Output) -> Output {
        let (to_crypt, to_plain) = (output.to_crypt.len(), output.to_plain.len());
        let possible = match input {
            Input::Plain(len) => {
                let sealed = len.div_ceil(PLAIN_MAX) * PACKET_LEN;
                let failed = matches!(output.status, Status::Failed(_));
                to_plain == 0 && (to_crypt == sealed || failed && to_crypt < sealed)
            }
            // An end mark, if there is one.
            Input::PlainEnd => to_plain == 0 && (to_crypt == 0 || to_crypt == PACKET_LEN),
            Input::Nothing | Input::Crypt(_) => {
                if let Input::Crypt(len) = input {
                    self.crypt_input = self.crypt_input.saturating_add(len);
                }
                self.handshake = self.handshake.saturating_add(to_crypt);
                self.to_plain = self.to_plain.saturating_add(to_plain);
                self.handshake <= HANDSHAKE_LEN
                    && self.to_plain <= self.crypt_input / PACKET_LEN * PLAIN_MAX
            }
        };
        if possible { output } else { Output::failed(Failure::Guest("impossible answer".into())) }
    }
}

impl From<protocol::Output> for Output {
    fn from(output: protocol::Output) -> Self {
        let protocol::Output { to_crypt, to_plain, status } = output;
        let status = match status {
            protocol::Status::Handshaking => Status::Handshaking,
            protocol::Status::Computing => Status::Computing,
            protocol::Status::Established => Status::Established,
            protocol::Status::Failed(failure) => Status::Failed(failure.into()),
        };
        Self { to_crypt, to_plain, status }
    }
}

impl From<protocol::Failure> for Failure {
    fn from(failure: protocol::Failure) -> Self {
        match failure {
            protocol::Failure::Peer(fault) => Self::Peer(fault.into()),
            protocol::Failure::Misuse(misuse) => Self::Misuse(misuse.into()),
            protocol::Failure::Exhausted => Self::Exhausted,
        }
    }
}

impl From<protocol::PeerFault> for PeerFault {
    fn from(fault: protocol::PeerFault) -> Self {
        match fault {
            protocol::PeerFault::WrongKey => Self::WrongKey,
            protocol::PeerFault::PublicValueOutOfRange => Self::PublicValueOutOfRange,
            protocol::PeerFault::LowOrderPublicValue => Self::LowOrderPublicValue,
            protocol::PeerFault::NoForwardSecrecy => Self::NoForwardSecrecy,
            protocol::PeerFault::ForgedPacket(packet) => Self::ForgedPacket(packet),
            protocol::PeerFault::BadLength(protocol::BadLength { packet_number, length }) => {
                Self::BadLength { packet: packet_number, length }
            }
            protocol::PeerFault::DataAfterEnd => Self::DataAfterEnd,
            protocol::PeerFault::CutOffInHandshake => Self::CutOffInHandshake,
            protocol::PeerFault::CutOffInPacket => Self::CutOffInPacket,
            protocol::PeerFault::CutOffBeforeEnd => Self::CutOffBeforeEnd,
        }
    }
}

impl From<protocol::Misuse> for Misuse {
    fn from(misuse: protocol::Misuse) -> Self {
        match misuse {
            protocol::Misuse::SecretLength => Self::SecretLength,
            protocol::Misuse::SecretCount => Self::SecretCount,
            protocol::Misuse::EntropyLength => Self::EntropyLength,
            protocol::Misuse::ContradictoryConfig => Self::ContradictoryConfig,
            protocol::Misuse::StartOrder => Self::StartOrder,
            protocol::Misuse::NothingToCompute => Self::NothingToCompute,
            protocol::Misuse::NotEstablished => Self::NotEstablished,
            protocol::Misuse::AfterEof => Self::AfterEof,
            protocol::Misuse::Suspended => Self::Suspended,
            protocol::Misuse::BadState => Self::BadState,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(fault) => fault.fmt(f),
            Self::Misuse(misuse) => {
                write!(f, "the sandboxed protocol component was called wrongly: {misuse:?}")
            }
            Self::Exhausted => f.write_str("all packet numbers are used up"),
            Self::Guest(reason) => write!(f, "the sandboxed protocol component failed: {reason}"),
        }
    }
}

impl fmt::Display for PeerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKey => f.write_str("wrong key, or not a spiped peer"),
            Self::PublicValueOutOfRange => f.write_str("its Diffie-Hellman value is out of range"),
            Self::LowOrderPublicValue => f.write_str("its X25519 value is of low order"),
            Self::NoForwardSecrecy => {
                f.write_str("it omits forward secrecy (-f there), which -g requires")
            }
            Self::ForgedPacket(packet) => {
                write!(f, "packet {packet} is forged or was corrupted on the way")
            }
            Self::BadLength { packet, length } => {
                write!(f, "packet {packet} declares an impossible length of {length} bytes")
            }
            Self::DataAfterEnd => f.write_str("bytes came after its end mark"),
            Self::CutOffInHandshake => f.write_str("closed in the middle of the handshake"),
            Self::CutOffInPacket => f.write_str("cut off in the middle of a packet"),
            Self::CutOffBeforeEnd => f.write_str("cut off before its end mark"),
        }
    }
}
