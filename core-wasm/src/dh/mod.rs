//! Diffie-Hellman in the two groups a handshake can use.

mod modp;
mod x25519;

use alloc::vec::Vec;

use crate::config::KeyExchange;
use crate::error::PeerFault;
use crate::secret::Secret;

pub use modp::PUBLIC_VALUE_LEN;

/// How many random bytes an exponent is made from, in either group.
pub const EXPONENT_LEN: usize = 32;

impl KeyExchange {
    /// Length of a public value, in bytes.
    pub(crate) const fn public_value_len(self) -> usize {
        match self {
            Self::Modp2048 => PUBLIC_VALUE_LEN,
            Self::X25519 => x25519::PUBLIC_VALUE_LEN,
        }
    }
}

/// A public value that its group allows.
#[derive(Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "moved a handful of times per connection")]
pub(crate) enum PublicValue {
    Modp2048(modp::PublicValue),
    X25519(x25519::PublicValue),
}

impl PublicValue {
    /// The value of an end that omits forward secrecy.
    pub(crate) const ONE: Self = Self::Modp2048(modp::PublicValue::ONE);

    /// Parses a value from a key share of this exchange.
    ///
    /// # Errors
    /// [`PeerFault::PublicValueOutOfRange`].
    pub(crate) fn parse(exchange: KeyExchange, bytes: &[u8]) -> Result<Self, PeerFault> {
        let value = match exchange {
            KeyExchange::Modp2048 => modp::PublicValue::parse(bytes).map(Self::Modp2048),
            KeyExchange::X25519 => x25519::PublicValue::parse(bytes).map(Self::X25519),
        };
        value.ok_or(PeerFault::PublicValueOutOfRange)
    }

    pub(crate) fn exchange(&self) -> KeyExchange {
        match self {
            Self::Modp2048(_) => KeyExchange::Modp2048,
            Self::X25519(_) => KeyExchange::X25519,
        }
    }

    /// The value as it is sent.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Modp2048(value) => value.to_bytes().into(),
            Self::X25519(value) => value.as_bytes().into(),
        }
    }

    /// Whether this value fixes the shared value, whatever our exponent is. With
    /// X25519, this is detected when the shared value is computed.
    pub(crate) fn is_degenerate(&self) -> bool {
        match self {
            Self::Modp2048(value) => value.is_degenerate(),
            Self::X25519(_) => false,
        }
    }
}

/// A secret exponent, or scalar. Good for one exchange.
pub(crate) struct Exponent(Secret<EXPONENT_LEN>);

impl Exponent {
    pub(crate) fn new(x: Secret<EXPONENT_LEN>) -> Self {
        Self(x)
    }

    pub(crate) fn public_value(&self, exchange: KeyExchange) -> PublicValue {
        match exchange {
            KeyExchange::Modp2048 => PublicValue::Modp2048(modp::public_value(&self.0)),
            KeyExchange::X25519 => PublicValue::X25519(x25519::public_value(&self.0)),
        }
    }

    /// The shared value with a peer that sent `peer`.
    ///
    /// # Errors
    /// [`PeerFault::LowOrderPublicValue`].
    pub(crate) fn shared_value(&self, peer: &PublicValue) -> Result<SharedValue, PeerFault> {
        match peer {
            PublicValue::Modp2048(peer) => {
                Ok(SharedValue::Modp2048(modp::shared_value(&self.0, peer)))
            }
            PublicValue::X25519(peer) => x25519::shared_value(&self.0, peer)
                .map(SharedValue::X25519)
                .ok_or(PeerFault::LowOrderPublicValue),
        }
    }
}

/// The shared value, which both ends compute.
pub(crate) enum SharedValue {
    Modp2048(Secret<PUBLIC_VALUE_LEN>),
    X25519(Secret<{ x25519::PUBLIC_VALUE_LEN }>),
}

impl SharedValue {
    /// The shared value if one of the ends omits forward secrecy: 1.
    pub(crate) fn omitted() -> Self {
        Self::Modp2048(Secret::copy_of(&modp::PublicValue::ONE.to_bytes()))
    }

    /// The bytes, to derive keys from.
    pub(crate) fn expose(&self) -> &[u8] {
        match self {
            Self::Modp2048(shared) => shared.expose(),
            Self::X25519(shared) => shared.expose(),
        }
    }
}
