//! Packets that a fuzzer can write.

use spiped_core::{Cipher, DirectionKeys, InPlace, PACKET_LEN};

/// Encrypts nothing, and takes a packet for authentic if its last byte is 0.
pub(crate) type Clear = InPlace<ClearCipher>;

pub(crate) struct ClearCipher;

impl Cipher for ClearCipher {
    fn new(_: &DirectionKeys) -> Self {
        Self
    }

    fn seal(&self, _: u64, _: &mut [u8]) {}

    fn open(&self, _: u64, run: &mut [u8]) -> usize {
        let authentic = run.chunks(PACKET_LEN).take_while(|packet| packet.ends_with(&[0]));
        authentic.count() * PACKET_LEN
    }
}
