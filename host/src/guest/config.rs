//! The configuration of sessions.

use super::{ClientConfig, ServerConfig, Side};

/// The configuration of our end of a connection, whichever end that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Config {
    /// It opens the encrypted connection.
    Client(ClientConfig),
    /// It accepts it.
    Server(ServerConfig),
}

impl Config {
    /// Our side of the protocol.
    #[must_use]
    pub fn side(self) -> Side {
        match self {
            Self::Client(_) => Side::Client,
            Self::Server(_) => Side::Server,
        }
    }

    /// Whether X25519 is the only key exchange possible.
    #[must_use]
    pub fn is_x25519_only(self) -> bool {
        matches!(self, Self::Client(ClientConfig::X25519) | Self::Server(ServerConfig::X25519))
    }
}
