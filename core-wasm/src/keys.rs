//! The pre-shared key and the keys derived from it.
//!
//! Both derivations are PBKDF2-HMAC-SHA-256 (RFC 8018, section 5.2) with one
//! iteration, so that block `i` is `HMAC(psk, salt || be32(i))`: protocol.md H-1.

use hmac::digest::FixedOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::{KeyExchange, Side};
use crate::secret::Secret;

/// Length of a nonce, in bytes.
pub const NONCE_LEN: usize = 32;
/// Length of a pre-shared key, in bytes.
pub const PSK_LEN: usize = 32;
/// Length of a MAC and of a MAC key, in bytes.
pub const MAC_LEN: usize = 32;
/// Length of a [`PskId`], in bytes.
pub const PSK_ID_LEN: usize = 16;

/// The pre-shared key: SHA-256 of the key file, 32 bytes.
pub type Psk = Secret<PSK_LEN>;

/// The random bytes that each end sends first. Public.
pub type Nonce = [u8; NONCE_LEN];

/// Identifies a pre-shared key. Not a secret by itself, but it allows guesses of a weak
/// key to be tested.
pub type PskId = [u8; PSK_ID_LEN];

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

/// The first bytes of HMAC(psk, label). No derivation computes an HMAC of so few bytes
/// under this key.
pub(crate) fn psk_id(psk: &Psk) -> PskId {
    let mac: [u8; 32] =
        hmac_sha256(psk.expose(), &[b"spiped-psk-id-v1"]).finalize().into_bytes().into();
    let mut id = [0; PSK_ID_LEN];
    id.copy_from_slice(&mac[..PSK_ID_LEN]);
    id
}

/// The nonces of both ends, in the order that both derivations use.
#[derive(Clone, Copy)]
pub(crate) struct Nonces {
    pub(crate) client: Nonce,
    pub(crate) server: Nonce,
}

/// Part of both derivations of the key exchange X25519, so that they have no input in
/// common with upstream's.
const X25519_LABEL: &[u8] = b"spiped-x25519-v1";

/// The label after the nonces in the salt of both derivations.
fn label(exchange: KeyExchange) -> &'static [u8] {
    match exchange {
        KeyExchange::Modp2048 => &[],
        KeyExchange::X25519 => X25519_LABEL,
    }
}

/// The first derivation, `HMAC(psk, salt)`: the key that authenticates the key share of
/// `sender`.
pub(crate) fn key_share_key(
    psk: &Psk,
    nonces: &Nonces,
    exchange: KeyExchange,
    sender: Side,
) -> MacKey {
    let salt = key_share_salt(nonces, exchange, sender);
    in_place(hmac_sha256(psk.expose(), &[salt.as_bytes()]))
}

/// The salt and the block's number.
pub(crate) fn key_share_salt(nonces: &Nonces, exchange: KeyExchange, sender: Side) -> Salt {
    let block = match sender {
        Side::Client => 1_u32,
        Side::Server => 2,
    };
    let mut salt = Salt { bytes: [0; SALT_MAX], len: 0 };
    for part in [&nonces.client[..], &nonces.server, label(exchange), &block.to_be_bytes()] {
        salt.bytes[salt.len..salt.len + part.len()].copy_from_slice(part);
        salt.len += part.len();
    }
    salt
}

/// The message of the first derivation's HMAC.
pub(crate) struct Salt {
    bytes: [u8; SALT_MAX],
    len: usize,
}

const SALT_MAX: usize = 2 * NONCE_LEN + X25519_LABEL.len() + size_of::<u32>();

impl Salt {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
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

/// The second derivation: the packet keys of each sender.
pub(crate) struct SessionKeys {
    pub(crate) client: DirectionKeys,
    pub(crate) server: DirectionKeys,
}

impl SessionKeys {
    pub(crate) fn derive(psk: &Psk, nonces: &Nonces, agreement: &Agreement<'_>) -> Self {
        // Upstream's derivation has only the shared value.
        let (client, server): (&[u8], &[u8]) = match agreement.exchange {
            KeyExchange::Modp2048 => (&[], &[]),
            KeyExchange::X25519 => (agreement.client, agreement.server),
        };
        let label = label(agreement.exchange);
        let salt = [&nonces.client[..], &nonces.server, label, client, server, agreement.shared];
        let salted = hmac_sha256(psk.expose(), &salt);
        let direction =
            |first| DirectionKeys { cipher: block(&salted, first), mac: block(&salted, first + 1) };
        Self { client: direction(1), server: direction(3) }
    }
}

/// The result of a Diffie-Hellman exchange, with all values as they are sent.
pub(crate) struct Agreement<'a> {
    pub(crate) exchange: KeyExchange,
    /// The client's public value.
    pub(crate) client: &'a [u8],
    /// The server's public value.
    pub(crate) server: &'a [u8],
    pub(crate) shared: &'a [u8],
}

/// A block of PBKDF2, counted from 1; `salted` is keyed and has absorbed the salt.
pub(crate) fn block(salted: &Hmac<Sha256>, index: u32) -> Secret<32> {
    in_place(salted.clone().chain_update(index.to_be_bytes()))
}

/// The MAC, written to its final place.
fn in_place(mac: Hmac<Sha256>) -> Secret<32> {
    Secret::build(|place| mac.finalize_into(place.into()))
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
        (Psk::copy_of(&psk), nonces)
    }

    #[test]
    fn key_share_keys_match_upstream() {
        let (psk, nonces) = vector();
        let key = |sender| key_share_key(&psk, &nonces, KeyExchange::Modp2048, sender);
        assert_eq!(
            key(Side::Client).expose(),
            &hex!("faafb5f76b5da961f355f8270251f6e096c2bc077a0540a10aadbc5614026300")
        );
        assert_eq!(
            key(Side::Server).expose(),
            &hex!("4a8e97b86227dac477870ed25460b0b35f2ca3d316370bcb44216e647fc73220")
        );
    }

    #[test]
    fn session_keys_of_the_weak_handshake_match_upstream() {
        let (psk, nonces) = vector();
        let mut one = [0; 256];
        one[255] = 1;
        let agreement =
            Agreement { exchange: KeyExchange::Modp2048, client: &one, server: &one, shared: &one };
        let keys = SessionKeys::derive(&psk, &nonces, &agreement);
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
