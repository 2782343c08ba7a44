//! The search for the key that a key share's MAC was made with, and its plain
//! implementation.

use alloc::vec::Vec;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{ConditionallySelectable, ConstantTimeEq};

use crate::keys::{MAC_LEN, Psk, hmac_sha256};
use crate::secret::wipe_stack;

/// Pre-shared keys, prepared for being searched.
pub trait KeySearch {
    /// Prepares these keys.
    fn new(psks: &[Psk]) -> Self;

    /// The index of the key for which HMAC(HMAC(key, `salt`), `value`) is
    /// `tag`. Takes as long whichever it is, and if it is none: all keys are
    /// tried, and no branch or address depends on a key or on whether it fits.
    fn find(&self, salt: &[u8], value: &[u8], tag: &[u8; MAC_LEN]) -> Option<u32>;
}

/// HMAC-SHA-256 from the `RustCrypto` crates, one key after the other.
pub struct SoftKeySearch {
    /// Keyed, with nothing hashed yet.
    psks: Vec<Hmac<Sha256>>,
}

impl KeySearch for SoftKeySearch {
    fn new(psks: &[Psk]) -> Self {
        let psks = psks.iter().map(|psk| hmac_sha256(psk.expose(), &[])).collect();
        wipe_stack();
        Self { psks }
    }

    fn find(&self, salt: &[u8], value: &[u8], tag: &[u8; MAC_LEN]) -> Option<u32> {
        let mut found = u32::MAX;
        for (index, psk) in (0..).zip(&self.psks) {
            let key = psk.clone().chain_update(salt).finalize().into_bytes();
            let mac = hmac_sha256(key.as_ref(), &[value]).finalize().into_bytes();
            found.conditional_assign(&index, mac.ct_eq(tag));
        }
        wipe_stack();
        (found != u32::MAX).then_some(found)
    }
}
