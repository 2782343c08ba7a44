//! The interface `key-search`: the host searches for the key.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::bindings::spiped::pipe::key_search::PskSet;
use crate::{KeySearch, MAC_LEN, PSK_LEN, Psk};

impl KeySearch for PskSet {
    fn new(psks: &[Psk]) -> Self {
        // Allocated at its full size: a vector that grows leaves secrets behind.
        let mut concatenated = Zeroizing::new(Vec::with_capacity(psks.len() * PSK_LEN));
        for psk in psks {
            concatenated.extend_from_slice(psk.expose());
        }
        Self::new(&concatenated)
    }

    fn find(&self, salt: &[u8], value: &[u8], tag: &[u8; MAC_LEN]) -> Option<u32> {
        Self::find(self, salt, value, tag)
    }
}
