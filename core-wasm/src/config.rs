//! The configuration of sessions and acceptors. No value of these types contradicts
//! itself.

/// An end of the wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end that opens the encrypted connection: `spiped -e`, `spipe`.
    Client,
    /// The end that accepts the encrypted connection: `spiped -d`.
    Server,
}

impl Side {
    /// The side of the peer.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// The Diffie-Hellman exchange of a handshake. The client chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange {
    /// RFC 3526 group 14, as in upstream.
    Modp2048,
    /// RFC 7748 X25519. Each direction then ends with an end mark.
    X25519,
}

/// Forward secrecy with [`KeyExchange::Modp2048`]. [`KeyExchange::X25519`] always
/// provides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardSecrecy {
    /// Do the Diffie-Hellman exchange; accept a peer that omits it.
    Offer,
    /// Do the exchange; refuse a peer whose public value fixes the shared
    /// value (0, 1 or p-1). Upstream's `-g`.
    Require,
    /// Send the public value 1 and compute nothing. Upstream's `-f`.
    Omit,
}

/// What a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientConfig {
    /// [`KeyExchange::Modp2048`].
    Modp2048(ForwardSecrecy),
    /// [`KeyExchange::X25519`].
    X25519,
}

impl ClientConfig {
    /// The key exchange it chooses.
    #[must_use]
    pub fn key_exchange(self) -> KeyExchange {
        match self {
            Self::Modp2048(_) => KeyExchange::Modp2048,
            Self::X25519 => KeyExchange::X25519,
        }
    }
}

/// What a server accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerConfig {
    /// Only [`KeyExchange::Modp2048`].
    Modp2048(ForwardSecrecy),
    /// Only [`KeyExchange::X25519`].
    X25519,
    /// Either, as the client chooses.
    Any(ForwardSecrecy),
}

impl ServerConfig {
    /// The accepted key exchanges, that with the shortest key share first.
    pub(crate) fn key_exchanges(self) -> &'static [KeyExchange] {
        match self {
            Self::Modp2048(_) => &[KeyExchange::Modp2048],
            Self::X25519 => &[KeyExchange::X25519],
            Self::Any(_) => &[KeyExchange::X25519, KeyExchange::Modp2048],
        }
    }

    /// Its forward secrecy with a client that has chosen `exchange`.
    pub(crate) fn forward_secrecy(self, exchange: KeyExchange) -> ForwardSecrecy {
        match (self, exchange) {
            (
                Self::Modp2048(forward_secrecy) | Self::Any(forward_secrecy),
                KeyExchange::Modp2048,
            ) => forward_secrecy,
            (_, KeyExchange::X25519) | (Self::X25519, KeyExchange::Modp2048) => {
                ForwardSecrecy::Offer
            }
        }
    }
}
