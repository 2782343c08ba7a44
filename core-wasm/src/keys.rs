//! Both key derivations, and nothing else.
//!
//! Each is PBKDF2-HMAC-SHA-256 (RFC 8018, section 5.2) with one iteration, so
//! that block `i` is `HMAC(psk, salt || be32(i))`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::dh::PUBLIC_VALUE_LEN;
use crate::secret::Secret;

/// Length of a nonce, in bytes.
pub const NONCE_LEN: usize = 32;
/// Length of a pre-shared key, in bytes.
pub const PSK_LEN: usize = 32;
/// Length of a MAC and of a MAC key, in bytes.
pub const MAC_LEN: usize = 32;

/// The pre-shared key: SHA-256 of the key file, 32 bytes.
pub type Psk = Secret<PSK_LEN>;

/// The random bytes each end sends first. Public.
pub(crate) type Nonce = [u8; NONCE_LEN];

/// A key for HMAC-SHA-256.
pub(crate) type MacKey = Secret<MAC_LEN>;

/// HMAC-SHA-256 of `parts`, one after the other.
pub(crate) fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    for part in parts {
        mac.update(part);
    }
    mac
}

/// Both ends' nonces, in the order both derivations use.
#[derive(Clone, Copy)]
pub(crate) struct Nonces {
    pub(crate) client: Nonce,
    pub(crate) server: Nonce,
}

/// The first derivation: what authenticates the key shares.
pub(crate) struct HandshakeKeys {
    pub(crate) client: MacKey,
    pub(crate) server: MacKey,
}

impl HandshakeKeys {
    pub(crate) fn derive(psk: &Psk, nonces: &Nonces) -> Self {
        let [client, server] = derive(psk, &[&nonces.client, &nonces.server]);
        Self { client, server }
    }
}

/// One direction's packet keys.
#[derive(Clone, Debug)]
pub struct DirectionKeys {
    /// AES-256 key.
    pub cipher: Secret<32>,
    /// HMAC-SHA-256 key.
    pub mac: Secret<MAC_LEN>,
}

/// The second derivation: the packet keys, named by who sends under them.
pub(crate) struct SessionKeys {
    pub(crate) client: DirectionKeys,
    pub(crate) server: DirectionKeys,
}

impl SessionKeys {
    pub(crate) fn derive(psk: &Psk, nonces: &Nonces, shared: &Secret<PUBLIC_VALUE_LEN>) -> Self {
        let salt = [&nonces.client[..], &nonces.server, shared.expose()];
        let [client_cipher, client_mac, server_cipher, server_mac] = derive(psk, &salt);
        Self {
            client: DirectionKeys { cipher: client_cipher, mac: client_mac },
            server: DirectionKeys { cipher: server_cipher, mac: server_mac },
        }
    }
}

/// `N` blocks of 32 bytes.
fn derive<const N: usize>(psk: &Psk, salt: &[&[u8]]) -> [Secret<32>; N] {
    let salted = hmac_sha256(psk.expose(), salt);
    let mut index = 0_u32;
    [(); N].map(|()| {
        index += 1;
        let block = salted.clone().chain_update(index.to_be_bytes()).finalize();
        Secret::new(*Zeroizing::new(block.into_bytes().into()))
    })
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    /// Key file `spiped test key\n`, nonces 00..1f and 20..3f.
    fn vector() -> (Psk, Nonces) {
        let psk = hex!("3cf103f382159602a1b65b31c2a1f5cecb1d2dc53897f6241d2c4130f0626173");
        let nonces = Nonces {
            client: core::array::from_fn(|i| u8::try_from(i).unwrap_or_default()),
            server: core::array::from_fn(|i| u8::try_from(i + 32).unwrap_or_default()),
        };
        (Psk::new(psk), nonces)
    }

    #[test]
    fn handshake_keys_match_upstream() {
        let (psk, nonces) = vector();
        let keys = HandshakeKeys::derive(&psk, &nonces);
        assert_eq!(
            keys.client.expose(),
            &hex!("faafb5f76b5da961f355f8270251f6e096c2bc077a0540a10aadbc5614026300")
        );
        assert_eq!(
            keys.server.expose(),
            &hex!("4a8e97b86227dac477870ed25460b0b35f2ca3d316370bcb44216e647fc73220")
        );
    }

    #[test]
    fn session_keys_of_the_weak_handshake_match_upstream() {
        let (psk, nonces) = vector();
        let mut one = [0; PUBLIC_VALUE_LEN];
        one[PUBLIC_VALUE_LEN - 1] = 1;
        let keys = SessionKeys::derive(&psk, &nonces, &Secret::new(one));
        assert_eq!(
            keys.client.cipher.expose(),
            &hex!("9ad2a49276ef318dda4ed0822fff14cdec544492857a4b632bc550d96751a7d6")
        );
        assert_eq!(
            keys.client.mac.expose(),
            &hex!("6068c6d71baae2d12d1f22d6be9de3adf60555c629522792e06f1cd19f6a3f3a")
        );
        assert_eq!(
            keys.server.cipher.expose(),
            &hex!("d1f57c2ae75ef37a2719b0083ee30336fd7926459cb324611a270c5db677969a")
        );
        assert_eq!(
            keys.server.mac.expose(),
            &hex!("e18d304d0d02d6e59be9a247c581f62fa679789f36d8011989b9f099cfdfe819")
        );
    }
}
