//! What a session is told.

use super::{ClientConfig, ServerConfig, Side};

/// What our end of a connection does, whichever end that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Config {
    /// It opens the encrypted connection.
    Client(ClientConfig),
    /// It accepts it.
    Server(ServerConfig),
}

impl Config {
    /// Our end of the protocol.
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Self::Client(_) => Side::Client,
            Self::Server(_) => Side::Server,
        }
    }

    /// Whether X25519 is the only key exchange there can be.
    #[must_use]
    pub fn is_x25519_only(self) -> bool {
        matches!(self, Self::Client(ClientConfig::X25519) | Self::Server(ServerConfig::X25519))
    }
}
