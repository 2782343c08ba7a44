//! The words of the format for configurations.

use spiped_core::{ClientConfig, ForwardSecrecy, ServerConfig, Side};

pub(crate) const SIDES: [(&str, Side); 2] = [("client", Side::Client), ("server", Side::Server)];

pub(crate) const FORWARD_SECRECY: [(&str, ForwardSecrecy); 3] = [
    ("offer", ForwardSecrecy::Offer),
    ("require", ForwardSecrecy::Require),
    ("omit", ForwardSecrecy::Omit),
];

/// Reads what a client does.
pub(super) fn client_config(words: &str) -> Result<ClientConfig, String> {
    match config(words)? {
        ("modp2048", Some(forward_secrecy)) => Ok(ClientConfig::Modp2048(forward_secrecy)),
        ("x25519", None) => Ok(ClientConfig::X25519),
        _ => Err(format!("nothing a client does: {words}")),
    }
}

/// Reads what a server accepts.
pub(super) fn server_config(words: &str) -> Result<ServerConfig, String> {
    match config(words)? {
        ("modp2048", Some(forward_secrecy)) => Ok(ServerConfig::Modp2048(forward_secrecy)),
        ("x25519", None) => Ok(ServerConfig::X25519),
        ("any", Some(forward_secrecy)) => Ok(ServerConfig::Any(forward_secrecy)),
        _ => Err(format!("nothing a server accepts: {words}")),
    }
}

fn config(words: &str) -> Result<(&str, Option<ForwardSecrecy>), String> {
    let Some((exchange, word)) = words.split_once(' ') else {
        return Ok((words, None));
    };
    let entry = FORWARD_SECRECY.iter().find(|(other, _)| *other == word);
    let (_, value) = entry.ok_or_else(|| format!("no way with forward secrecy: {word}"))?;
    Ok((exchange, Some(*value)))
}
