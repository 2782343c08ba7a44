//! The interface's plain types, generated once, in the host.

use spiped_core as core;

pub use spiped::guest::{
    ClientConfig, ForwardSecrecy, KeyExchange, Misuse, PeerFault, ProtocolFailure as Failure,
    ServerConfig, Side,
};
pub type Psk = Vec<u8>;

pub(super) fn client_config(config: core::ClientConfig) -> ClientConfig {
    match config {
        core::ClientConfig::Modp2048(wanted) => ClientConfig::Modp2048(forward_secrecy(wanted)),
        core::ClientConfig::X25519 => ClientConfig::X25519,
    }
}

pub(super) fn server_config(config: core::ServerConfig) -> ServerConfig {
    match config {
        core::ServerConfig::Modp2048(wanted) => ServerConfig::Modp2048(forward_secrecy(wanted)),
        core::ServerConfig::X25519 => ServerConfig::X25519,
        core::ServerConfig::Any(wanted) => ServerConfig::Any(forward_secrecy(wanted)),
    }
}

fn forward_secrecy(wanted: core::ForwardSecrecy) -> ForwardSecrecy {
    match wanted {
        core::ForwardSecrecy::Offer => ForwardSecrecy::Offer,
        core::ForwardSecrecy::Require => ForwardSecrecy::Require,
        core::ForwardSecrecy::Omit => ForwardSecrecy::Omit,
    }
}
