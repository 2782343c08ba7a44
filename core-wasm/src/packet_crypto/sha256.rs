//! SHA-256 of one message, or of several at once, a message in each lane of a
//! vector: Gueron and Krasnov, "Simultaneous hashing of multiple messages" (2012).

use core::ops::{BitAnd, BitXor};

use super::lanes::{LANES, Lanes};
use crate::sha256::K;

/// A word of each of `N` messages.
pub(super) trait Word<const N: usize>:
    Copy + BitAnd<Output = Self> + BitXor<Output = Self>
{
    /// The same word of every message.
    fn splat(word: u32) -> Self;
    fn from_be_bytes(words: [[u8; 4]; N]) -> Self;
    fn to_be_bytes(self) -> [[u8; 4]; N];
    fn add(self, other: Self) -> Self;
    fn shift_right(self, count: u32) -> Self;
    fn rotate_right(self, count: u32) -> Self;
}

impl Word<1> for u32 {
    fn splat(word: u32) -> Self {
        word
    }

    fn from_be_bytes([word]: [[u8; 4]; 1]) -> Self {
        Self::from_be_bytes(word)
    }

    fn to_be_bytes(self) -> [[u8; 4]; 1] {
        [self.to_be_bytes()]
    }

    fn add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn shift_right(self, count: u32) -> Self {
        self >> count
    }

    fn rotate_right(self, count: u32) -> Self {
        self.rotate_right(count)
    }
}

impl Word<LANES> for Lanes {
    fn splat(word: u32) -> Self {
        Self::splat(word)
    }

    fn from_be_bytes(words: [[u8; 4]; LANES]) -> Self {
        Self::from_words(words.map(u32::from_le_bytes)).swap_bytes()
    }

    fn to_be_bytes(self) -> [[u8; 4]; LANES] {
        self.swap_bytes().to_words().map(u32::to_le_bytes)
    }

    fn add(self, other: Self) -> Self {
        self.add(other)
    }

    fn shift_right(self, count: u32) -> Self {
        self.shift_right(count)
    }

    fn rotate_right(self, count: u32) -> Self {
        self.shift_right(count) | self.shift_left(u32::BITS - count)
    }
}

/// Continues with a block of each message: FIPS 180-4, 6.2.2.
pub(super) fn compress<W: Word<N>, const N: usize>(state: &mut [W; 8], block: &[W; 16]) {
    // Spelt out, so that indices are constants and no word has an address.
    macro_rules! for_16 {
        ($body:ident) => { $body!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15) };
    }
    let mut w = *block;
    let mut s = *state;
    let [scheduled @ .., last] = K.as_chunks::<16>().0 else { return };
    for k in scheduled {
        macro_rules! round_and_schedule {
            ($($i:literal)*) => { $(
                s = round(s, w[$i].add(W::splat(k[$i])));
                // The word 16 rounds on.
                w[$i] = w[$i]
                    .add(small_sigma0(w[($i + 1) % 16]))
                    .add(w[($i + 9) % 16].add(small_sigma1(w[($i + 14) % 16])));
            )* };
        }
        for_16!(round_and_schedule);
    }
    macro_rules! only_round {
        ($($i:literal)*) => { $( s = round(s, w[$i].add(W::splat(last[$i]))); )* };
    }
    for_16!(only_round);
    for (state, s) in state.iter_mut().zip(s) {
        *state = state.add(s);
    }
}

#[expect(clippy::many_single_char_names, reason = "the standard's names")]
fn round<W: Word<N>, const N: usize>([a, b, c, d, e, f, g, h]: [W; 8], word: W) -> [W; 8] {
    let choice = g ^ (e & (f ^ g));
    // The next round has the first sum of this one as its second.
    let majority = b ^ ((a ^ b) & (b ^ c));
    let t1 = h.add(word).add(choice).add(big_sigma1(e));
    let t2 = big_sigma0(a).add(majority);
    [t1.add(t2), a, b, c, d.add(t1), e, f, g]
}

fn big_sigma0<W: Word<N>, const N: usize>(x: W) -> W {
    x.rotate_right(2) ^ x.rotate_right(13) ^ x.rotate_right(22)
}

fn big_sigma1<W: Word<N>, const N: usize>(x: W) -> W {
    x.rotate_right(6) ^ x.rotate_right(11) ^ x.rotate_right(25)
}

fn small_sigma0<W: Word<N>, const N: usize>(x: W) -> W {
    x.rotate_right(7) ^ x.rotate_right(18) ^ x.shift_right(3)
}

fn small_sigma1<W: Word<N>, const N: usize>(x: W) -> W {
    x.rotate_right(17) ^ x.rotate_right(19) ^ x.shift_right(10)
}
