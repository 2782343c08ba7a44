//! Packets that a fuzzer can write.

use spiped_core::{DirectionKeys, PACKET_LEN, PacketCrypto};

/// Encrypts nothing, and takes a packet for authentic if its last byte is 0.
pub(crate) struct Clear;

impl PacketCrypto for Clear {
    fn new(_: &DirectionKeys) -> Self {
        Self
    }

    fn seal(&mut self, _: u64, _: &mut Vec<u8>) {}

    fn open(&mut self, _: u64, run: &mut Vec<u8>) {
        let authentic = run.chunks(PACKET_LEN).take_while(|packet| packet.ends_with(&[0]));
        run.truncate(authentic.count() * PACKET_LEN);
    }
}
