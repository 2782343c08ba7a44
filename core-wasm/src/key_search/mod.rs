//! The search for the key of a key share's MAC, and its plain implementation.

mod message;

use alloc::vec::Vec;

use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::keys::{MAC_LEN, Psk};
use crate::secret::wipe_stack;
use crate::sha256::{Keyed, Scratch};
use message::Message;

/// Pre-shared keys, prepared for searching.
pub trait KeySearch {
    /// Prepares these keys.
    fn new(psks: &[Psk]) -> Self;

    /// The index of the key for which HMAC(HMAC(key, `salt`), `value`) is `tag`. All
    /// keys are tried, and no branch or address depends on a key or on whether it
    /// matches, so the time does not reveal which one matches, or whether any does
    /// (protocol.md A-5).
    fn find(&self, salt: &[u8], value: &[u8], tag: &[u8; MAC_LEN]) -> Option<u32>;
}

/// Searches one key after the other; the part common to all keys is computed once.
pub struct SoftKeySearch {
    psks: Zeroizing<Vec<Keyed>>,
}

impl KeySearch for SoftKeySearch {
    fn new(psks: &[Psk]) -> Self {
        // Allocated at its full size: a vector that grows leaves secrets behind.
        let mut keyed = Zeroizing::new(Vec::with_capacity(psks.len()));
        let mut scratch = Zeroizing::new(Scratch::default());
        for psk in psks {
            keyed.push(Keyed::default());
            if let Some(keyed) = keyed.last_mut() {
                keyed.set(psk.expose(), &mut scratch);
            }
        }
        wipe_stack();
        Self { psks: keyed }
    }

    fn find(&self, salt: &[u8], value: &[u8], tag: &[u8; MAC_LEN]) -> Option<u32> {
        let (salt, value) = (Message::new(salt), Message::new(value));
        let mut scratch = Zeroizing::new(Scratch::default());
        let mut share_key = Zeroizing::new(Keyed::default());
        let mut mac = Zeroizing::new([0; MAC_LEN]);
        let mut found = u32::MAX;
        for (index, psk) in (0..).zip(&*self.psks) {
            psk.mac(&salt, &mut mac, &mut scratch);
            share_key.set(&mac, &mut scratch);
            share_key.mac(&value, &mut mac, &mut scratch);
            found.conditional_assign(&index, mac.ct_eq(tag));
        }
        wipe_stack();
        (found != u32::MAX).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use hmac::Mac;

    use super::*;
    use crate::keys::hmac_sha256;

    fn psks(count: u8) -> Vec<Psk> {
        (0..count).map(|byte| Psk::copy_of(&[byte; 32])).collect()
    }

    fn tag(psk: &Psk, salt: &[u8], value: &[u8]) -> [u8; MAC_LEN] {
        let key = hmac_sha256(psk.expose(), &[salt]).finalize().into_bytes();
        hmac_sha256(key.as_ref(), &[value]).finalize().into_bytes().into()
    }

    #[test]
    fn each_key_is_found_by_what_it_has_made_and_nothing_else() {
        let psks = psks(5);
        let search = SoftKeySearch::new(&psks);
        for salt in [vec![1; 68], vec![2; 84], vec![]] {
            for value in [vec![3; 32], vec![4; 256], vec![5; 55], vec![6; 56], vec![7; 64]] {
                for (index, psk) in (0..).zip(&psks) {
                    let mut tag = tag(psk, &salt, &value);
                    assert_eq!(search.find(&salt, &value, &tag), Some(index));
                    tag[31] ^= 1;
                    assert_eq!(search.find(&salt, &value, &tag), None);
                }
                let stranger = tag(&Psk::copy_of(&[9; 32]), &salt, &value);
                assert_eq!(search.find(&salt, &value, &stranger), None);
            }
        }
        assert_eq!(SoftKeySearch::new(&[]).find(&[], &[], &[0; 32]), None);
    }
}
