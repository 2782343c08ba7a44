//! What can be seen in the first bytes of a peer without knowing a key.

use super::{Config, KeyExchange, NONCE_LEN};

/// Whether a peer that has begun with `said`, which has been authenticated,
/// omits forward secrecy: its public value is 1 then (protocol.md H-6).
#[must_use]
pub fn omits_forward_secrecy(said: &[u8], key_exchange: KeyExchange) -> bool {
    let value = said.get(NONCE_LEN..NONCE_LEN + PUBLIC_VALUE_LEN);
    key_exchange == KeyExchange::Modp2048
        && value
            .and_then(<[u8]>::split_last)
            .is_some_and(|(last, others)| *last == 1 && others.iter().all(|&byte| byte == 0))
}

impl Config {
    /// Whether this end omits forward secrecy itself.
    #[must_use]
    pub fn omits_forward_secrecy(self) -> bool {
        use super::{ClientConfig, ForwardSecrecy::Omit, ServerConfig};
        matches!(
            self,
            Self::Client(ClientConfig::Modp2048(Omit))
                | Self::Server(ServerConfig::Modp2048(Omit) | ServerConfig::Any(Omit))
        )
    }
}

/// Of `modp2048`.
const PUBLIC_VALUE_LEN: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_value_of_one_is_no_forward_secrecy() {
        let omits = |said: &[u8]| omits_forward_secrecy(said, KeyExchange::Modp2048);
        let mut said = vec![0x5a; NONCE_LEN];
        said.extend([0; PUBLIC_VALUE_LEN - 1]);
        assert!(!omits(&said));
        said.push(1);
        assert!(omits(&said) && !omits_forward_secrecy(&said, KeyExchange::X25519));
        said.extend([0x5a; 32]);
        assert!(omits(&said));
        said[NONCE_LEN] = 1;
        assert!(!omits(&said));
    }
}
