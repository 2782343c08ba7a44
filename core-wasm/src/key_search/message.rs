//! HMAC-SHA-256 of one message under many keys. The blocks of the message are the same
//! for all keys, so their schedules, two fifths of the work, are computed once.

use alloc::vec::Vec;
use core::slice;

use sha2::block_api::compress256;

use crate::sha256::{BLOCK_LEN, K, Keyed, Scratch, Words, write};

/// A message that follows the block of an HMAC's key, with its padding.
pub(super) struct Message(Vec<[u32; 64]>);

impl Message {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut padded = Vec::with_capacity(bytes.len() + 2 * BLOCK_LEN);
        padded.extend_from_slice(bytes);
        padded.push(0x80);
        let len = (padded.len() + size_of::<u64>()).next_multiple_of(BLOCK_LEN);
        padded.resize(len - size_of::<u64>(), 0);
        padded.extend_from_slice(&bits(bytes.len()));
        Self(padded.as_chunks().0.iter().map(schedule).collect())
    }
}

impl Keyed {
    pub(super) fn mac(&self, message: &Message, mac: &mut [u8; 32], scratch: &mut Scratch) {
        let Scratch { state, block } = scratch;
        *state = self.inner;
        for schedule in &message.0 {
            rounds(state, schedule);
        }
        *block = [0; BLOCK_LEN];
        write(state, block);
        block[32] = 0x80;
        block[BLOCK_LEN - size_of::<u64>()..].copy_from_slice(&bits(32));
        *state = self.outer;
        compress256(state, slice::from_ref(block));
        write(state, mac);
    }
}

/// The length field of a message that follows one block.
fn bits(len: usize) -> [u8; 8] {
    (8 * (BLOCK_LEN + len) as u64).to_be_bytes()
}

/// FIPS 180-4, 6.2.2, step 1, with each round's constant added.
fn schedule(block: &[u8; BLOCK_LEN]) -> [u32; 64] {
    let mut words = [0_u32; 64];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for t in 16..64 {
        let (w2, w15) = (words[t - 2], words[t - 15]);
        let sigma1 = w2.rotate_right(17) ^ w2.rotate_right(19) ^ w2 >> 10;
        let sigma0 = w15.rotate_right(7) ^ w15.rotate_right(18) ^ w15 >> 3;
        words[t] =
            sigma1.wrapping_add(words[t - 7]).wrapping_add(sigma0).wrapping_add(words[t - 16]);
    }
    for (word, k) in words.iter_mut().zip(K) {
        *word = word.wrapping_add(k);
    }
    words
}

/// FIPS 180-4, 6.2.2, steps 2 to 4.
#[allow(clippy::many_single_char_names, reason = "the standard's names")]
fn rounds(state: &mut Words, schedule: &[u32; 64]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    /// One round; then the variables have changed their roles.
    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $word:expr) => {
            let sigma1 = $e.rotate_right(6) ^ $e.rotate_right(11) ^ $e.rotate_right(25);
            let choice = $g ^ $e & ($f ^ $g);
            let t1 = $h.wrapping_add(sigma1).wrapping_add(choice).wrapping_add($word);
            let sigma0 = $a.rotate_right(2) ^ $a.rotate_right(13) ^ $a.rotate_right(22);
            let majority = $a & $b | $c & ($a | $b);
            $d = $d.wrapping_add(t1);
            $h = t1.wrapping_add(sigma0).wrapping_add(majority);
        };
    }
    for words in schedule.as_chunks::<8>().0 {
        round!(a b c d e f g h, words[0]);
        round!(h a b c d e f g, words[1]);
        round!(g h a b c d e f, words[2]);
        round!(f g h a b c d e, words[3]);
        round!(e f g h a b c d, words[4]);
        round!(d e f g h a b c, words[5]);
        round!(c d e f g h a b, words[6]);
        round!(b c d e f g h a, words[7]);
    }
    for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(add);
    }
}
