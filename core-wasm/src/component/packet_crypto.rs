//! The interface `packet-crypto`: the host seals and opens packets.

use alloc::vec::Vec;

use super::bindings::spiped::pipe::packet_crypto::Direction;
use crate::{Bodies, DirectionKeys, PacketCrypto, Packets};

impl PacketCrypto for Direction {
    fn new(keys: &DirectionKeys) -> Self {
        Self::new(keys.cipher.expose(), keys.mac.expose())
    }

    fn seal(&mut self, first: u64, bodies: Bodies<'_>, _: &mut Vec<u8>) {
        let Bodies { messages, trailer, last_trailer } = bodies;
        Self::seal(self, first, messages, trailer, last_trailer);
    }

    fn open(&mut self, first: u64, Packets { head, rest }: Packets<'_>) -> Vec<u32> {
        Self::open(self, first, head, rest)
    }

    fn deliver(&mut self, lengths: &[u32], _: &mut Vec<u8>) {
        Self::deliver(self, lengths);
    }
}
