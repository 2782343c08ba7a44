//! The MACs of packets: four at once.

use alloc::boxed::Box;
use core::array;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::lanes::{LANES, Lanes};
use super::sha256::compress;
use super::{BODY_LEN, Packet};
use crate::keys::{MAC_LEN, hmac_sha256};
use crate::sha256::{BLOCK_LEN, Keyed, Scratch};

pub(super) type Tag = [u8; MAC_LEN];

/// The key of one direction's MACs, hashed. Wiped on drop.
pub(super) struct MacKey {
    of_lanes: Box<Zeroizing<Keyed>>,
    /// For a packet that comes alone: it need not pay for four.
    stock: Hmac<Sha256>,
}

impl MacKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let mut of_lanes = Box::new(Zeroizing::new(Keyed::default()));
        of_lanes.set(key, &mut Zeroizing::new(Scratch::default()));
        Self { of_lanes, stock: hmac_sha256(key, &[]) }
    }

    /// The MACs of at most `N` packets, of which the first has the number
    /// `first`.
    pub(super) fn tags<const N: usize>(&self, first: u64, packets: &[Packet]) -> [Tag; N] {
        let mut tags = [[0; MAC_LEN]; N];
        let parts = packets.chunks(LANES).zip(tags.chunks_mut(LANES));
        for ((packets, tags), first) in parts.zip((first..).step_by(LANES)) {
            match packets {
                [] => {}
                [packet] => tags[0] = self.tag(first, packet),
                [.., last] => {
                    // Lanes that are left over do the last again.
                    let packets = array::from_fn(|lane| packets.get(lane).unwrap_or(last));
                    let made = self.tags_of_lanes(first, packets);
                    tags.copy_from_slice(&made[..tags.len()]);
                }
            }
        }
        tags
    }

    fn tag(&self, number: u64, packet: &Packet) -> Tag {
        let mac = self.stock.clone().chain_update(&packet[..BODY_LEN]);
        mac.chain_update(number.to_be_bytes()).finalize().into_bytes().into()
    }

    fn tags_of_lanes(&self, first: u64, packets: [&Packet; LANES]) -> [Tag; LANES] {
        /// Words of a packet's body, and in whole blocks of it.
        const WORDS: usize = BODY_LEN / size_of::<u32>();
        const WHOLE: usize = BODY_LEN / BLOCK_LEN * 16;
        const { assert!(WORDS == WHOLE + 1) };
        let body = |i: usize| lanes(packets.map(|packet| packet.as_chunks().0[i]));
        let numbers: [_; LANES] =
            array::from_fn(|lane| first.wrapping_add(lane as u64).to_be_bytes());
        let number = |i: usize| lanes(numbers.map(|number| number.as_chunks().0[i]));

        let mut state = self.of_lanes.inner.map(Lanes::splat);
        for block in (0..WHOLE).step_by(16) {
            compress(&mut state, &array::from_fn(|i| body(block + i)));
        }
        let rest = [body(WHOLE), number(0), number(1)];
        compress(&mut state, &last_block(rest, BODY_LEN + size_of::<u64>()));
        let digest = state;
        state = self.of_lanes.outer.map(Lanes::splat);
        compress(&mut state, &last_block(digest, MAC_LEN));

        let mut tags = [[0; MAC_LEN]; LANES];
        for (i, words) in state.into_iter().enumerate() {
            for (tag, word) in tags.iter_mut().zip(words.to_words()) {
                tag.as_chunks_mut().0[i] = word.to_be_bytes();
            }
        }
        tags
    }
}

/// A word of each message, as SHA-256 reads it.
fn lanes(words: [[u8; 4]; LANES]) -> Lanes {
    Lanes::from_words(words.map(u32::from_le_bytes)).swap_bytes()
}

/// The last words of messages of `len` bytes that follow the key's block, and
/// their padding: FIPS 180-4, 5.1.1.
fn last_block<const WORDS: usize>(words: [Lanes; WORDS], len: usize) -> [Lanes; 16] {
    const { assert!(WORDS < 14) };
    let mut block = [Lanes::ZERO; 16];
    block[..WORDS].copy_from_slice(&words);
    block[WORDS] = Lanes::splat(0x8000_0000);
    #[allow(clippy::cast_possible_truncation, reason = "at most 8800")]
    let bits = (8 * (BLOCK_LEN + len)) as u32;
    block[15] = Lanes::splat(bits);
    block
}
