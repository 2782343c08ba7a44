//! The implementation for WebAssembly: eight blocks are encrypted at once, and
//! four packets hashed.

use core::array;

use subtle::ConstantTimeEq;

use super::aes::{Aes256, BLOCKS};
use super::hmac::{MacKey, Tag};
use super::in_place::Cipher;
use super::lanes::Lanes;
use super::{BODY_LEN, PACKET_LEN, Packet};
use crate::keys::DirectionKeys;

/// See [`ParallelPacketCrypto`](super::ParallelPacketCrypto).
pub struct Parallel {
    cipher: Aes256,
    mac: MacKey,
}

/// As many packets as one pass encrypts and then hashes. As many as there are
/// places for their last, short blocks.
const GROUP_LEN: usize = BLOCKS;

impl Cipher for Parallel {
    fn new(keys: &DirectionKeys) -> Self {
        Self { cipher: Aes256::new(keys.cipher.expose()), mac: MacKey::new(keys.mac.expose()) }
    }

    fn seal(&self, first: u64, run: &mut [u8]) {
        for (group, first) in groups(first, run) {
            self.apply_keystream(first, group);
            let tags = self.mac.tags::<GROUP_LEN>(first, group);
            for (packet, tag) in group.iter_mut().zip(tags) {
                packet[BODY_LEN..].copy_from_slice(&tag);
            }
        }
    }

    fn open(&self, first: u64, run: &mut [u8]) -> usize {
        let mut authenticated = 0;
        for (group, first) in groups(first, run) {
            let tags = self.mac.tags::<GROUP_LEN>(first, group);
            let verified = group.iter().zip(&tags).take_while(verifies).count();
            self.apply_keystream(first, &mut group[..verified]);
            authenticated += verified * PACKET_LEN;
            if verified < group.len() {
                break;
            }
        }
        authenticated
    }
}

impl Parallel {
    /// Encrypts or decrypts at most [`GROUP_LEN`] packets' bodies.
    fn apply_keystream(&self, first: u64, group: &mut [Packet]) {
        for (packet, number) in group.iter_mut().zip(first..) {
            let (parts, _) = packet[..BODY_LEN].as_chunks_mut::<{ 16 * BLOCKS }>();
            for (part, index) in parts.iter_mut().zip((0..).step_by(BLOCKS)) {
                let key_stream = self.key_stream(|i| counter(number, index + i));
                let (blocks, _) = part.as_chunks_mut();
                for (block, key_stream) in blocks.iter_mut().zip(key_stream) {
                    *block = (Lanes::from_bytes(block) ^ key_stream).to_bytes();
                }
            }
        }
        // Every packet has four bytes more. They are not worth eight blocks.
        let key_stream = self.key_stream(|i| counter(first.wrapping_add(i as u64), LAST_BLOCK));
        for (packet, key_stream) in group.iter_mut().zip(key_stream) {
            let rest = &mut packet[BODY_LEN - BODY_LEN % 16..BODY_LEN];
            for (byte, key_stream) in rest.iter_mut().zip(key_stream.to_bytes()) {
                *byte ^= key_stream;
            }
        }
    }

    /// Eight blocks of key stream.
    fn key_stream(&self, counter: impl Fn(usize) -> Lanes) -> [Lanes; BLOCKS] {
        self.cipher.encrypt(array::from_fn(counter))
    }
}

/// The index of the block of which a packet has only the beginning.
const LAST_BLOCK: usize = BODY_LEN / 16;

/// The counter block: packet number, then the block's index, both 64-bit.
fn counter(number: u64, index: usize) -> Lanes {
    #[allow(clippy::cast_possible_truncation, reason = "to halves, and an index below 256")]
    let [high, low, index] = [(number >> 32) as u32, number as u32, index as u32];
    Lanes::from_words([high, low, 0, index]).swap_bytes()
}

/// Cuts a run into groups, each with the number of its first packet.
fn groups(first: u64, run: &mut [u8]) -> impl Iterator<Item = (&mut [Packet], u64)> {
    let (packets, _) = run.as_chunks_mut();
    packets.chunks_mut(GROUP_LEN).zip((first..).step_by(GROUP_LEN))
}

/// In constant time.
fn verifies((packet, tag): &(&Packet, &Tag)) -> bool {
    packet[BODY_LEN..].ct_eq(&tag[..]).into()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::soft::Soft;
    use super::*;
    use crate::packet_crypto::RUN_MAX;
    use crate::secret::Secret;

    fn keys(cipher: &[u8; 32], mac: &[u8; 32]) -> DirectionKeys {
        DirectionKeys { cipher: Secret::copy_of(cipher), mac: Secret::copy_of(mac) }
    }

    /// No two packets are alike.
    fn run(packets: usize) -> Vec<u8> {
        (0..packets * PACKET_LEN).map(|i| (i + i / 251).to_le_bytes()[0]).collect()
    }

    #[test]
    fn runs_of_every_length_are_sealed_and_opened_as_the_plain_implementation_does() {
        let keys = keys(&[1; 32], &[2; 32]);
        let (plain, parallel) = (Soft::new(&keys), Parallel::new(&keys));
        for packets in 0..=RUN_MAX {
            let last = u64::MAX - packets as u64;
            for first in [u64::from(u32::MAX) - 2, last] {
                let (mut expected, mut sealed) = (run(packets), run(packets));
                plain.seal(first, &mut expected);
                parallel.seal(first, &mut sealed);
                assert!(sealed == expected, "sealing {packets} from {first}");
                assert_eq!(plain.open(first, &mut expected), packets * PACKET_LEN);
                assert_eq!(parallel.open(first, &mut sealed), packets * PACKET_LEN);
                assert!(sealed == expected, "opening {packets} from {first}");
            }
        }
    }

    #[test]
    fn opening_stops_at_a_forgery_wherever_it_is() {
        let keys = keys(&[1; 32], &[2; 32]);
        let parallel = Parallel::new(&keys);
        for packets in [1, 2, 4, 5, 8, 9, 14] {
            let mut sealed = run(packets);
            parallel.seal(9, &mut sealed);
            for forged in 0..packets {
                for byte in [0, 1027, 1028, 1059] {
                    let mut received = sealed.clone();
                    received[forged * PACKET_LEN + byte] ^= 0x80;
                    // A second one changes nothing.
                    received[packets * PACKET_LEN - 1] ^= 1;
                    let opened = parallel.open(9, &mut received);
                    let plain = run(packets);
                    assert_eq!(opened, forged * PACKET_LEN);
                    let opened = received[..opened].chunks(PACKET_LEN);
                    for (opened, plain) in opened.zip(plain.chunks(PACKET_LEN)) {
                        assert_eq!(opened[..BODY_LEN], plain[..BODY_LEN]);
                    }
                }
            }
        }
    }

    #[test]
    fn a_packet_is_bound_to_its_number() {
        let keys = keys(&[1; 32], &[2; 32]);
        let parallel = Parallel::new(&keys);
        for packets in [1, 2, 5] {
            let mut sealed = run(packets);
            parallel.seal(4, &mut sealed);
            assert_eq!(parallel.open(5, &mut sealed), 0);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_runs_are_sealed_as_the_plain_implementation_does(
            cipher: [u8; 32],
            mac: [u8; 32],
            first in 0..u64::MAX - RUN_MAX as u64,
            run in (0..20_usize).prop_flat_map(|packets| vec(any::<u8>(), packets * PACKET_LEN)),
        ) {
            let keys = keys(&cipher, &mac);
            let (mut expected, mut sealed) = (run.clone(), run);
            Soft::new(&keys).seal(first, &mut expected);
            Parallel::new(&keys).seal(first, &mut sealed);
            prop_assert_eq!(sealed, expected);
        }
    }
}
