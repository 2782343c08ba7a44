//! What the first bytes of a peer show without a key.

use super::{Config, KeyExchange, NONCE_LEN};

/// Whether a peer that began with `said`, which has been authenticated, omits forward
/// secrecy: its public value is then 1 (protocol.md H-6). A peer that sends 0 or p-1,
/// which no spiped does, counts as well.
#[must_use]
pub fn omits_forward_secrecy(said: &[u8], key_exchange: KeyExchange) -> bool {
    let value = said.get(NONCE_LEN..NONCE_LEN + PUBLIC_VALUE_LEN);
    key_exchange == KeyExchange::Modp2048 && value.is_some_and(fixes_shared_value)
}

fn fixes_shared_value(value: &[u8]) -> bool {
    let is_0_or_1 = value
        .split_last()
        .is_some_and(|(last, others)| *last <= 1 && others.iter().all(|&byte| byte == 0));
    // Of all values below p, only p-1 begins and ends with these bytes, except with a
    // probability of 2^-128.
    let is_p_less_1 = value.starts_with(&ENDS_OF_P) && value.ends_with(&END_OF_P_LESS_1);
    is_0_or_1 || is_p_less_1
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

/// p begins and ends with 64 one bits (RFC 3526, section 3).
const ENDS_OF_P: [u8; 8] = [0xff; 8];
const END_OF_P_LESS_1: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_value_of_0_1_or_p_less_1_is_no_forward_secrecy() {
        let omits = |said: &[u8]| omits_forward_secrecy(said, KeyExchange::Modp2048);
        let last = NONCE_LEN + PUBLIC_VALUE_LEN - 1;
        let mut said = vec![0x5a; NONCE_LEN];
        said.extend([0; PUBLIC_VALUE_LEN - 1]);
        assert!(!omits(&said));
        said.push(1);
        assert!(omits(&said) && !omits_forward_secrecy(&said, KeyExchange::X25519));
        said.extend([0x5a; 32]);
        assert!(omits(&said));
        for (byte, expected) in [(0, true), (2, false)] {
            said[last] = byte;
            assert_eq!(omits(&said), expected, "{byte}");
        }
        said[last] = 1;
        said[NONCE_LEN] = 1;
        assert!(!omits(&said));
        // p, p-1, p-2: what lies between the ends is left out.
        said[NONCE_LEN..=last].fill(0xff);
        for (byte, expected) in [(0xff, false), (0xfe, true), (0xfd, false)] {
            said[last] = byte;
            assert_eq!(omits(&said), expected, "{byte}");
        }
    }
}
