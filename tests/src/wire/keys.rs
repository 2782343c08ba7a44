//! The two key derivations.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::PublicValue;

/// A secret, or a key made from one.
pub type Key = [u8; 32];

/// The 32-byte secret in a key file.
pub fn psk(key_file: &[u8]) -> Key {
    Sha256::digest(key_file).into()
}

/// The MAC keys of the client's and the server's key share.
pub fn handshake_keys(psk: &Key, nonces: &[u8; 64]) -> [Key; 2] {
    derive(psk, nonces)
}

/// Cipher and MAC key of the client's packets, then of the server's.
pub fn session_keys(psk: &Key, nonces: &[u8; 64], shared: &PublicValue) -> [Key; 4] {
    derive(psk, &[&nonces[..], &shared[..]].concat())
}

/// HMAC-SHA-256 of the parts in a row.
pub fn mac(key: &Key, parts: &[&[u8]]) -> Key {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    for part in parts {
        hmac.update(part);
    }
    hmac.finalize().into_bytes().into()
}

/// PBKDF2-HMAC-SHA-256 with one iteration: block `i` is the MAC of the salt
/// and `i`, from 1.
pub(super) fn derive<const N: usize>(psk: &Key, salt: &[u8]) -> [Key; N] {
    let mut block = 0_u32;
    [(); N].map(|()| {
        block += 1;
        mac(psk, &[salt, &block.to_be_bytes()])
    })
}
