//! The MACs of packets, of several at once.

use alloc::boxed::Box;
use core::array;

use zeroize::Zeroizing;

use super::lanes::{LANES, Lanes};
use super::sha256::{Word, compress};
use super::{BODY_LEN, Packet};
use crate::keys::MAC_LEN;
use crate::sha256::{BLOCK_LEN, Keyed, Scratch};

pub(super) type Tag = [u8; MAC_LEN];

/// The key of one direction's MACs. Wiped on drop.
pub(super) struct MacKey(Box<Zeroizing<Keyed>>);

impl MacKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let mut keyed = Box::new(Zeroizing::new(Keyed::default()));
        keyed.set(key, &mut Zeroizing::new(Scratch::default()));
        Self(keyed)
    }

    /// The MACs of at most `N` packets, of which the first has the number
    /// `first`.
    pub(super) fn tags<const N: usize>(&self, first: u64, packets: &[Packet]) -> [Tag; N] {
        let mut tags = [[0; MAC_LEN]; N];
        let parts = packets.chunks(LANES).zip(tags.chunks_mut(LANES));
        for ((packets, tags), first) in parts.zip((first..).step_by(LANES)) {
            match packets {
                [] => {}
                [packet] => tags[..1].copy_from_slice(&self.hmac::<u32, 1>([(packet, first)])),
                [.., last] => {
                    // Lanes that are left over do the last again.
                    let packet = |lane| packets.get(lane).unwrap_or(last);
                    let numbered = array::from_fn(|i| (packet(i), first.wrapping_add(i as u64)));
                    let made = self.hmac::<Lanes, LANES>(numbered);
                    tags.copy_from_slice(&made[..tags.len()]);
                }
            }
        }
        tags
    }

    /// HMAC-SHA-256 of `N` packets' bodies, each followed by the packet's number.
    fn hmac<W: Word<N>, const N: usize>(&self, packets: [(&Packet, u64); N]) -> [Tag; N] {
        const WORDS: usize = BODY_LEN / size_of::<u32>();
        const WHOLE: usize = BODY_LEN / BLOCK_LEN;
        let body = |i: usize| W::from_be_bytes(packets.map(|(packet, _)| packet.as_chunks().0[i]));
        let number = |i: usize| {
            W::from_be_bytes(packets.map(|(_, number)| number.to_be_bytes().as_chunks().0[i]))
        };
        let mut state = self.0.inner.map(W::splat);
        for block in 0..WHOLE {
            compress(&mut state, &array::from_fn(|i| body(16 * block + i)));
        }
        const { assert!(WORDS == 16 * WHOLE + 1) };
        let rest = [body(WORDS - 1), number(0), number(1)];
        compress(&mut state, &last_block(rest, BODY_LEN + size_of::<u64>()));
        let digest = state;
        state = self.0.outer.map(W::splat);
        compress(&mut state, &last_block(digest, MAC_LEN));

        let mut tags = [[0; MAC_LEN]; N];
        for (i, word) in state.into_iter().enumerate() {
            for (tag, bytes) in tags.iter_mut().zip(word.to_be_bytes()) {
                tag.as_chunks_mut().0[i] = bytes;
            }
        }
        tags
    }
}

/// The last words of messages of `len` bytes after the key's block, with their
/// padding: FIPS 180-4, 5.1.1.
fn last_block<W: Word<N>, const N: usize, const WORDS: usize>(
    words: [W; WORDS],
    len: usize,
) -> [W; 16] {
    const { assert!(WORDS < 14) };
    let mut block = [W::splat(0); 16];
    block[..WORDS].copy_from_slice(&words);
    block[WORDS] = W::splat(0x8000_0000);
    #[allow(clippy::cast_possible_truncation, reason = "some 8800")]
    let bits = (8 * (BLOCK_LEN + len)) as u32;
    block[15] = W::splat(bits);
    block
}
