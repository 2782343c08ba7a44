//! The interface `packet-crypto`: the host seals and opens packets.

use alloc::vec::Vec;

use super::bindings::spiped::pipe::packet_crypto::Direction;
use crate::{DirectionKeys, PacketCrypto};

impl PacketCrypto for Direction {
    fn new(keys: &DirectionKeys) -> Self {
        Self::new(keys.cipher.expose(), keys.mac.expose())
    }

    fn seal(&mut self, first: u64, run: &mut Vec<u8>) {
        *run = Self::seal(self, first, run);
    }

    fn open(&mut self, first: u64, run: &mut Vec<u8>) {
        *run = Self::open(self, first, run);
    }
}
