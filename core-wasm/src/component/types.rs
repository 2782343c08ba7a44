//! The interface `types`: conversions between the crate's types and the component's.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::bindings::exports::spiped::pipe::types;
use crate::{
    ClientConfig, Error, ForwardSecrecy, KeyExchange, Misuse, PeerFault, Psk, Secret, ServerConfig,
    Side,
};

/// Converts a secret argument, and wipes its list.
pub(super) fn secret<const N: usize>(bytes: Vec<u8>) -> Option<Secret<N>> {
    Secret::from_slice(&Zeroizing::new(bytes))
}

/// Converts a pre-shared key argument.
pub(super) fn psk(bytes: Vec<u8>) -> Result<Psk, Misuse> {
    secret(bytes).ok_or(Misuse::PskLength)
}

impl From<types::Side> for Side {
    fn from(side: types::Side) -> Self {
        match side {
            types::Side::Client => Self::Client,
            types::Side::Server => Self::Server,
        }
    }
}

impl From<types::ForwardSecrecy> for ForwardSecrecy {
    fn from(forward_secrecy: types::ForwardSecrecy) -> Self {
        match forward_secrecy {
            types::ForwardSecrecy::Offer => Self::Offer,
            types::ForwardSecrecy::Require => Self::Require,
            types::ForwardSecrecy::Omit => Self::Omit,
        }
    }
}

impl From<types::ClientConfig> for ClientConfig {
    fn from(config: types::ClientConfig) -> Self {
        match config {
            types::ClientConfig::Modp2048(forward_secrecy) => {
                Self::Modp2048(forward_secrecy.into())
            }
            types::ClientConfig::X25519 => Self::X25519,
        }
    }
}

impl From<types::ServerConfig> for ServerConfig {
    fn from(config: types::ServerConfig) -> Self {
        match config {
            types::ServerConfig::Modp2048(forward_secrecy) => {
                Self::Modp2048(forward_secrecy.into())
            }
            types::ServerConfig::X25519 => Self::X25519,
            types::ServerConfig::Any(forward_secrecy) => Self::Any(forward_secrecy.into()),
        }
    }
}

impl From<KeyExchange> for types::KeyExchange {
    fn from(exchange: KeyExchange) -> Self {
        match exchange {
            KeyExchange::Modp2048 => Self::Modp2048,
            KeyExchange::X25519 => Self::X25519,
        }
    }
}

impl From<Error> for types::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Peer(fault) => Self::Peer(fault.into()),
            Error::Misuse(misuse) => Self::Misuse(misuse.into()),
            Error::Exhausted => Self::Exhausted,
        }
    }
}

impl From<PeerFault> for types::PeerFault {
    fn from(fault: PeerFault) -> Self {
        match fault {
            PeerFault::WrongKey => Self::WrongKey,
            PeerFault::KeyExchangeNotAccepted => Self::KeyExchangeNotAccepted,
            PeerFault::Reflected => Self::Reflected,
            PeerFault::PublicValueOutOfRange => Self::PublicValueOutOfRange,
            PeerFault::LowOrderPublicValue => Self::LowOrderPublicValue,
            PeerFault::NoForwardSecrecy => Self::NoForwardSecrecy,
            PeerFault::ForgedPacket { number } => Self::ForgedPacket(number),
            PeerFault::BadLength { number, length } => {
                Self::BadLength(types::BadLength { packet_number: number, length })
            }
            PeerFault::DataAfterEndMark => Self::DataAfterEndMark,
            PeerFault::TruncatedInHandshake => Self::TruncatedInHandshake,
            PeerFault::TruncatedInPacket => Self::TruncatedInPacket,
            PeerFault::TruncatedBeforeEndMark => Self::TruncatedBeforeEndMark,
        }
    }
}

impl From<Misuse> for types::Misuse {
    fn from(misuse: Misuse) -> Self {
        match misuse {
            Misuse::PskLength => Self::PskLength,
            Misuse::DuplicatePsk => Self::DuplicatePsk,
            Misuse::NonceLength => Self::NonceLength,
            Misuse::EntropyLength => Self::EntropyLength,
            Misuse::BrokenRandomness => Self::BrokenRandomness,
            Misuse::HelloLength => Self::HelloLength,
            Misuse::StartOrder => Self::StartOrder,
            Misuse::NothingToCompute => Self::NothingToCompute,
            Misuse::ComputeFirst => Self::ComputeFirst,
            Misuse::NotEstablished => Self::NotEstablished,
            Misuse::AfterEof => Self::AfterEof,
            Misuse::Suspended => Self::Suspended,
            Misuse::BadState => Self::BadState,
        }
    }
}
