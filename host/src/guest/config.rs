//! What a session is told, in the host's own terms.

use super::bindings::exports::spiped::pipe::protocol;

/// How a session is to behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Our end of the protocol.
    pub side: Side,
    /// The key exchange; `None` on a server that leaves it to its clients.
    pub key_exchange: Option<KeyExchange>,
    /// What to do about forward secrecy.
    pub forward_secrecy: ForwardSecrecy,
}

/// The end of the wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end that opens the encrypted connection.
    Client,
    /// The end that accepts it.
    Server,
}

/// The Diffie-Hellman exchange of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange {
    /// Upstream's.
    Modp2048,
    /// X25519, and an authentic end mark for both directions.
    X25519,
}

/// What an end does about forward secrecy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardSecrecy {
    /// Offer it, and accept a peer that omits it.
    Offer,
    /// Refuse a peer that omits it (`-g`).
    Require,
    /// Omit it (`-f`); the key exchange X25519 has it all the same.
    Omit,
}

impl From<Config> for protocol::Config {
    fn from(config: Config) -> Self {
        Self {
            side: match config.side {
                Side::Client => protocol::Side::Client,
                Side::Server => protocol::Side::Server,
            },
            key_exchange: config.key_exchange.map(|exchange| match exchange {
                KeyExchange::Modp2048 => protocol::KeyExchange::Modp2048,
                KeyExchange::X25519 => protocol::KeyExchange::X25519,
            }),
            forward_secrecy: match config.forward_secrecy {
                ForwardSecrecy::Offer => protocol::ForwardSecrecy::Offer,
                ForwardSecrecy::Require => protocol::ForwardSecrecy::Require,
                ForwardSecrecy::Omit => protocol::ForwardSecrecy::Omit,
            },
        }
    }
}

impl From<protocol::KeyExchange> for KeyExchange {
    fn from(exchange: protocol::KeyExchange) -> Self {
        match exchange {
            protocol::KeyExchange::Modp2048 => Self::Modp2048,
            protocol::KeyExchange::X25519 => Self::X25519,
        }
    }
}
